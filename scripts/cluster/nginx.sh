# shellcheck shell=bash
# nginx with https before the two API servers. These functions run in the folder of the cluster.

# Sets `certificate` and `key`, unless the user has named them.
make_certificate() {
    [[ -z $certificate ]] || return 0
    certificate=$cluster/nginx/certificate.pem key=$cluster/nginx/key.pem
    # A day before it ends, there is a new one.
    openssl x509 -checkend 86400 -noout -in "$certificate" >/dev/null 2>&1 ||
        (umask 077 && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -subj /CN=localhost \
            -addext "subjectAltName=DNS:localhost,IP:127.0.0.1" -keyout "$key" -out "$certificate" 2>/dev/null)
}

# Writes the configuration of a deployment, with other values. Each replacement must find its line.
write_site() {
    local line value mark old new marked replaced=0 result='' text values
    values=(
        "first API server|127.0.0.1:9001|127.0.0.1:${api[0]}"
        "second API server|127.0.0.1:9002|127.0.0.1:${api[1]}"
        "cache|/var/cache/trixd-nginx|$cluster/nginx/cache"
        "port of http|listen 80|listen 127.0.0.1:$http"
        "port of http, IPv6|listen [::]:80;|"
        "name|trix.example.org|localhost"
        "address of https|https://\$host|https://\$host:$https"
        "port of https|listen 443|listen 127.0.0.1:$https"
        "port of https, IPv6|listen [::]:443 ssl http2;|"
        "certificate, with the ones between it and its root|/etc/trix/tls/certificate.pem|$certificate"
        "key|/etc/trix/tls/key.pem|$key"
        "folder of away.html|/usr/share/trix/nginx|$cluster/nginx/pages"
        "folder of logs|/var/log/trix/nginx|$logs/nginx"
    )
    text=$(<"$repository/deploy/nginx/trixd.conf")
    while IFS= read -r line; do
        for value in "${values[@]}"; do
            IFS='|' read -r mark old new <<<"$value"
            if [[ $line == *"$old"*"# value: $mark" ]]; then
                line=${line/"$old"/"$new"}
                replaced=$((replaced + 1))
                break
            fi
        done
        result+=$line$'\n'
    done <<<"$text"
    marked=$(grep -c '# value: ' <<<"$text")
    ((replaced == marked)) || give_up "deploy/nginx/trixd.conf has $marked values, and this script replaces $replaced of them"
    printf '%s' "$result" >nginx/trixd.conf
}

configure_nginx() {
    local user=''
    cp "$repository/deploy/nginx/away.html" nginx/pages/
    write_site
    ((EUID != 0)) || user='user www-data;'
    ((EUID != 0)) || chown www-data "$logs/nginx"
    cat >nginx/nginx.conf <<NGINX
# scripts/serve-cluster.sh writes this file.
$user
worker_processes 2;
daemon off;
pid $run/nginx-master;
error_log stderr warn;
events {}
http {
    include /etc/nginx/mime.types;
    sendfile on;
    client_body_temp_path $cluster/nginx/body;
    proxy_temp_path $cluster/nginx/proxy;
    fastcgi_temp_path $cluster/nginx/fastcgi;
    uwsgi_temp_path $cluster/nginx/uwsgi;
    scgi_temp_path $cluster/nginx/scgi;
    include $cluster/nginx/trixd.conf;
}
NGINX
}

start_nginx() {
    start nginx TERM nginx -e stderr -c "$cluster/nginx/nginx.conf"
}
