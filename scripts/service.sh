#!/usr/bin/env bash
# scripts/service.sh lint|test|page|failures: formatting and clippy, the tests, those of the web page in a browser and of the API by its
# document, or those with failures of whole parts, of the ingest service. It is a workspace of its own, so that the engine is built without
# what the service depends on.
set -euo pipefail
cd "$(dirname "$0")/.."

export CARGO_TARGET_DIR=$PWD/target/service
case ${1:-test} in
    lint)
        cargo fmt --manifest-path trix-service/Cargo.toml --check
        cargo clippy --manifest-path trix-service/Cargo.toml --all-targets --locked -- -D warnings
        ;;
    test)
        TRIX_TEMPORAL=$(scripts/engine.sh)
        export TRIX_TEMPORAL
        if cargo nextest --version >/dev/null 2>&1; then
            cargo nextest run --manifest-path trix-service/Cargo.toml --locked --no-fail-fast
        else
            cargo test --manifest-path trix-service/Cargo.toml --tests --locked --no-fail-fast
        fi
        ;;
    page)
        cargo build --manifest-path trix-service/Cargo.toml --locked
        scripts/api.sh
        scripts/page.sh
        ;;
    failures)
        TRIX_TEMPORAL=$(scripts/engine.sh)
        table=$PWD/target/failures.md
        rm -f "$table"
        export TRIX_TEMPORAL TRIX_FAILURES=$table
        status=0
        cargo nextest run --manifest-path trix-service/Cargo.toml --locked --profile failures || status=$?
        printf '\n| what happens | what is seen |\n| --- | --- |\n'
        cat "$table"
        exit "$status"
        ;;
esac
