# shellcheck shell=bash
# How each library is built. scripts/vendored.sh reads this file with `source`.
#
# A recipe runs in its folder of work, with its dependencies in deps/, and installs below stage/. The prefix is
# made up: no configuration that a library reports names a folder of this machine.

export_folder=/vendored

# Unpacks the source of a library into the folder src.
unpack() { # NAME
    local licence
    [[ ! -d src ]] || return 0
    rm -rf src.part
    mkdir src.part
    tar -xf "$cache/sources/$(field "$1" tarball)" -C src.part --strip-components=1
    for licence in $(field "$1" licences); do
        install -D -m 644 -t "stage$export_folder/licences/${1%_1[02]}" "src.part/$licence"
    done
    mv src.part src
}

# Runs a step that an earlier, killed attempt has not finished.
once() { # STEP COMMAND...
    if [[ ! -e $VENDORED_WORK/$1.done ]]; then
        "${@:2}"
        touch "$VENDORED_WORK/$1.done"
    fi
}

with_cmake() { # SOURCE OPTION...
    once configure cmake -S "$1" -B build -G Ninja -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF \
        -DCMAKE_AR="$tools/bin/ar" -DCMAKE_RANLIB="$tools/bin/ranlib" \
        -DCMAKE_INSTALL_PREFIX="$export_folder" -DCMAKE_INSTALL_LIBDIR=lib "${@:2}"
    ninja -C build -j "$jobs"
    DESTDIR=$PWD/stage ninja -C build install
}

build_zlib() {
    unpack zlib
    cd src
    once configure ./configure --static --prefix="$export_folder"
    make -j "$jobs" libz.a
    make install DESTDIR="$VENDORED_WORK/stage"
}

# OpenCL would load a driver of the machine. x264 switches to fast arithmetic, in which clang takes away its test for values
# that are not finite.
build_x264() {
    unpack x264
    cd src
    AS=nasm once configure ./configure --prefix="$export_folder" --enable-static --enable-pic --disable-cli --disable-opencl \
        --bit-depth=all --chroma-format=all --extra-cflags=-fno-finite-math-only
    make -j "$jobs" lib-static
    make install-lib-static DESTDIR="$VENDORED_WORK/stage"
}

# A build of x265 has one depth. The libraries of 10 and 12 bits become part of that of 8 bits, whose x265_api_get gives
# out all three.
build_x265_12() {
    unpack x265_12
    with_cmake src/source -DENABLE_SHARED=OFF -DENABLE_CLI=OFF -DENABLE_PIC=ON -DENABLE_LIBNUMA=OFF \
        -DHIGH_BIT_DEPTH=ON -DMAIN12=ON -DEXPORT_C_API=OFF
    mv "stage$export_folder/lib/libx265.a" "stage$export_folder/lib/libx265_12.a"
    rm -r "stage$export_folder"/{include,lib/pkgconfig}
}

build_x265_10() {
    unpack x265_10
    with_cmake src/source -DENABLE_SHARED=OFF -DENABLE_CLI=OFF -DENABLE_PIC=ON -DENABLE_LIBNUMA=OFF \
        -DHIGH_BIT_DEPTH=ON -DEXPORT_C_API=OFF
    mv "stage$export_folder/lib/libx265.a" "stage$export_folder/lib/libx265_10.a"
    rm -r "stage$export_folder"/{include,lib/pkgconfig}
}

build_x265() {
    local lib=stage$export_folder/lib
    unpack x265
    with_cmake src/source -DENABLE_SHARED=OFF -DENABLE_CLI=OFF -DENABLE_PIC=ON -DENABLE_LIBNUMA=OFF \
        -DEXTRA_LIB='x265_10;x265_12' -DLINKED_10BIT=ON -DLINKED_12BIT=ON
    mv "$lib/libx265.a" libx265_8.a
    printf '%s\n' "CREATE $lib/libx265.a" "ADDLIB libx265_8.a" "ADDLIB deps/lib/libx265_10.a" "ADDLIB deps/lib/libx265_12.a" \
        SAVE END | ar -M
    sed -i 's|^Libs.private:.*|Libs.private: -lc++ -lc++abi -lm -lpthread -ldl|' "$lib/pkgconfig/x265.pc"
}

# The release has no configure script, and making one needs the autotools. Flags are those of its Makefile.am and
# configure.ac. -mtune is left out, because zig does not take it.
build_zimg() {
    unpack zimg
    mkdir -p obj
    cat >Makefile <<'END'
avx512 := -mavx512f -mavx512cd -mavx512vl -mavx512bw -mavx512dq
isa_sse := -msse
isa_sse2 := -msse2
isa_avx := -mavx
isa_ivb := -mavx -mf16c
isa_avx2 := -mavx2 -mf16c -mfma
isa_avx512 := $(avx512)
isa_vnni := $(avx512) -mavx512vnni

sources := $(shell find src/src/zimg -name '*.cpp' ! -path '*/arm/*' | LC_ALL=C sort)
objects := $(patsubst src/src/zimg/%.cpp,obj/%.o,$(sources))

libzimg.a: $(objects)
	rm -f $@
	ar rcs $@ $^

obj/%.o: src/src/zimg/%.cpp
	mkdir -p $(@D)
	c++ -O2 -std=c++14 -fno-fast-math -ffp-contract=off -DNDEBUG -DZIMG_X86 -DZIMG_X86_AVX512 -Isrc/src/zimg \
	    $(isa_$(lastword $(subst _, ,$(basename $(<F))))) -c $< -o $@
END
    make -j "$jobs" libzimg.a
    install -D -m 644 -t "stage$export_folder/lib" libzimg.a
    install -D -m 644 -t "stage$export_folder/include" src/src/zimg/api/zimg.h
    mkdir -p "stage$export_folder/lib/pkgconfig"
    sed -e "s|@prefix@|$export_folder|" -e 's|@exec_prefix@|${prefix}|' -e 's|@libdir@|${prefix}/lib|' \
        -e 's|@includedir@|${prefix}/include|' -e "s|@VERSION@|$(field zimg release)|" \
        -e 's|@STL_LIBS@|-lc++ -lc++abi -lm|' src/zimg.pc.in >"stage$export_folder/lib/pkgconfig/zimg.pc"
}

build_soxr() {
    unpack soxr
    with_cmake src -DBUILD_TESTS=OFF -DBUILD_EXAMPLES=OFF -DWITH_LSR_BINDINGS=OFF -DWITH_OPENMP=OFF
}

build_dav1d() {
    unpack dav1d
    once configure "$tools/venv/bin/meson" setup src build --prefix="$export_folder" --libdir=lib --buildtype=release --default-library=static \
        -Db_staticpic=true -Denable_tools=false -Denable_tests=false
    ninja -C build -j "$jobs"
    DESTDIR=$PWD/stage ninja -C build install
}

build_opus() {
    unpack opus
    with_cmake src -DOPUS_BUILD_TESTING=OFF -DOPUS_BUILD_PROGRAMS=OFF
}

build_webp() {
    unpack webp
    with_cmake src -DWEBP_BUILD_ANIM_UTILS=OFF -DWEBP_BUILD_CWEBP=OFF -DWEBP_BUILD_DWEBP=OFF -DWEBP_BUILD_GIF2WEBP=OFF \
        -DWEBP_BUILD_IMG2WEBP=OFF -DWEBP_BUILD_VWEBP=OFF -DWEBP_BUILD_WEBPINFO=OFF -DWEBP_BUILD_WEBPMUX=OFF \
        -DWEBP_BUILD_EXTRAS=OFF
}

# Decoders only: they read the alpha layer of VP8 and VP9, which FFmpeg's own decoders do not.
build_vpx() {
    unpack vpx
    cd src
    AS=nasm LD=c++ once configure ./configure --target=x86_64-linux-gcc --prefix="$export_folder" --enable-pic \
        --enable-vp9-highbitdepth --disable-vp8-encoder --disable-vp9-encoder --disable-examples --disable-tools \
        --disable-docs --disable-unit-tests --disable-webm-io --disable-libyuv --disable-debug
    make -j "$jobs"
    make install DIST_DIR="$VENDORED_WORK/stage$export_folder"
}

# What Trix uses of what FFmpeg writes and filters, by the names of its configure. check.sh looks for the same, and a test of
# trix-core compares the filters with its sources.
ffmpeg_encoders=aac,ac3,alac,ass,dnxhd,eac3,ffv1,flac,libopus,libwebp,mjpeg,movtext,'pcm_*',png,prores_ks,srt,ssa,subrip,webvtt
ffmpeg_muxers=matroska,mov,mp4,mpegts,mxf,webm
ffmpeg_filters=aformat,alimiter,anull,aresample,asetpts,asetrate,asettb,bwdif,channelmap,copy,crop,cropdetect,decimate
ffmpeg_filters+=,extractplanes,fieldmatch,format,hflip,idet,mergeplanes,null,pan,premultiply,scale,separatefields,setfield
ffmpeg_filters+=,setparams,settb,split,tonemap,transpose,vflip,volume,weave,zscale

# All decoders, demuxers, parsers and bitstream filters, since sources can be anything.
build_ffmpeg() {
    unpack ffmpeg
    cd src
    ln -sfn ../deps deps
    once configure ./configure --prefix="$export_folder" --cc=cc --cxx=c++ --ar=ar --ranlib=ranlib --x86asmexe=nasm \
        --enable-gpl --disable-autodetect --enable-static --disable-shared --enable-pic --disable-debug --disable-doc \
        --disable-programs --disable-network --disable-avdevice --disable-postproc --disable-hwaccels --disable-indevs \
        --disable-outdevs --disable-protocols --enable-protocol=file \
        --disable-encoders --enable-encoder="$ffmpeg_encoders" --disable-muxers --enable-muxer="$ffmpeg_muxers" \
        --disable-filters --enable-filter="$ffmpeg_filters" \
        --enable-zlib --enable-libzimg --enable-libsoxr --enable-libdav1d --enable-libopus --enable-libwebp --enable-libvpx \
        --pkg-config-flags=--static --extra-cflags=-Ideps/include --extra-ldflags=-Ldeps/lib \
        --extra-libs='-lc++ -lc++abi -lm -lpthread'
    # zig has the symbol of sysctl, but not the header, which newer releases of glibc lack.
    once header sed -i 's/^#define HAVE_SYSCTL 1/#define HAVE_SYSCTL 0/' config.h
    make -j "$jobs"
    make install DESTDIR="$VENDORED_WORK/stage"
}

# LLVM's C++ library as zig builds it, for a program that another compiler links. With zig, a program also gets compiler_rt and
# the part of glibc that is linked into each program; their licences are here too.
build_runtime() {
    local file lib
    lib=$(echo "$tools"/venv/lib/python*/site-packages/ziglang/lib)
    echo 'int main() { throw 1; }' >main.cpp
    zig build-lib -dynamic -O ReleaseFast -target "$target" -lc -lc++ main.cpp --verbose-link -femit-bin=main.so 2>links
    for file in libc++.a libc++abi.a libunwind.a; do
        install -D -m 644 -t "stage$export_folder/lib" "$(tr ' ' '\n' <links | grep "/$file\$" | head -n 1)"
    done
    for file in libcxx libcxxabi libunwind; do
        install -D -m 644 -t "stage$export_folder/licences/$file" "$lib/$file/LICENSE.TXT"
    done
    install -D -m 644 -t "stage$export_folder/licences/compiler_rt" "$lib/../LICENSE"
    # The terms, with the exception for linking, stand at the head of each file.
    install -D -m 644 -t "stage$export_folder/licences/libc_nonshared" "$lib/libc/glibc/stdlib/atexit.c"
}

# The programs of x264 and x265 with these libraries, which the tests compare Trix with. They are not part of the result.
build_programs() {
    local include=$PWD/deps/include lib=$PWD/deps/lib
    fetch x264
    fetch x265
    mkdir -p of_x264 of_x265 "stage$export_folder/bin"
    (
        cd of_x264
        unpack x264
        cd src
        # The program names the day of its build.
        once configure_x264 ./configure --system-libx264 --disable-opencl --disable-lavf --disable-swscale --disable-ffms \
            --disable-gpac --disable-lsmash --disable-avs --extra-cflags=-Wno-date-time
        make -j "$jobs" x264
    )
    (
        cd of_x265
        unpack x265
        cd src/source
        # X265_DEPTH is that of the library's 8 bits; the program asks the library for others.
        c++ -std=gnu++11 -w -DX265_ARCH_X86=1 -DX86_64=1 -DX265_NS=x265 -DX265_DEPTH=8 -DHIGH_BIT_DEPTH=0 -DEXPORT_C_API=1 \
            -DLINKED_10BIT=1 -DLINKED_12BIT=1 -D__STDC_LIMIT_MACROS=1 -I. -Icommon -Iencoder -I"$include" x265.cpp x265cli.cpp \
            abrEncApp.cpp input/*.cpp output/*.cpp -L"$lib" -lx265 -lpthread -lm -ldl -o x265
    )
    install -t "stage$export_folder/bin" of_x264/src/x264 of_x265/src/source/x265
}
