# The commands of the project; `make` alone lists them. A command that needs packages first installs those that it needs,
# and no others; this costs a fraction of a second when nothing is missing.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# rustup puts cargo here; a shell that was open before the installation does not search it yet.
export PATH := $(or $(CARGO_HOME),$(HOME)/.cargo)/bin:$(PATH)

# For `make bench` and `make bench-python`: arguments of the comparison. For `make fuzz`: seconds for each target.
BENCH_ARGS ?=
FUZZ_SECONDS ?= 60
FUZZ_TARGETS := bitstream probe spec

# What scripts/vendored.sh builds.
VENDORED = $(or $(TRIX_VENDORED),target/vendored)

# The library, and the crates below it that it needs.
PACKAGES := trix-model trix-bitstream trix-x264-sys trix-x265-sys trix-av trix-core

.PHONY: help setup setup-build setup-demo setup-serve setup-failures setup-vmaf setup-vendored demo demo-resume pictures serve serve-cluster test test-python test-service test-page test-failures test-kills test-memory test-media test-vmaf wheel-local test-debian13 test-sid lint fmt bench bench-av1an bench-chunks bench-scenes bench-service bench-sharing bench-python audit package vendored build-vendored test-vendored wheel test-wheel test-pythons fuzz clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: ## install what the build, the demo and the tests need (apt, rustup)
	@scripts/setup.sh

# What fewer packages are enough for.
setup-build:
	@scripts/setup.sh build

setup-demo:
	@scripts/setup.sh demo

setup-serve:
	@scripts/setup.sh serve

setup-failures:
	@scripts/setup.sh failures

setup-vmaf:
	@scripts/setup.sh vmaf

setup-vendored:
	@scripts/setup.sh vendored

demo: setup-demo ## build, make a sample master and take it through probe, ingest and verify (a minute after the build)
	cargo build --release -p trix-cli --locked
	@scripts/demo.sh

demo-resume: setup-demo ## kill an ingest in the middle, and let it go on
	cargo build --release -p trix-cli --locked
	@scripts/demo-resume.sh

pictures: demo ## draw the pictures of the README again, from the files of the demo
	@scripts/pictures.sh

serve: setup-serve ## run the ingest service on this machine, with a sample master (target/farm)
	@scripts/serve.sh

serve-cluster: setup-serve ## run a cluster on this machine: PostgreSQL, nginx, two API servers, three workers (target/cluster)
	@scripts/serve-cluster.sh

test: setup ## run the whole suite, with those of the Python package and the ingest service
	@scripts/test.sh

test-python: setup ## build the Python wheel against the libraries of this system, and run its tests in a virtual environment
	@scripts/python.sh test

test-service: setup ## test the ingest service: catalogue, API, and a farm of real processes
	@scripts/service.sh test

test-page: setup ## test the web page in a browser, and the API by its document (four minutes; uses Node and Chromium)
	@scripts/service.sh page

test-failures: setup-failures ## kill, freeze and cut off the parts of a farm, and print what was seen (twenty minutes; needs cargo-nextest, and root to mount)
	@scripts/service.sh failures

wheel-local: setup-build ## the wheel alone, installed into target/python/venv
	@scripts/python.sh wheel

test-kills: setup ## kill one ingest a hundred times and several others sixty times in all, and compare the bytes (needs cargo-nextest)
	@cargo nextest run -p trix-cli --locked --profile kills

test-memory: setup ## the archive copies of a 1080p and a 2160p master within 2 and 6 GiB, and 15 % (ten minutes; needs cargo-nextest)
	@cargo nextest run -p trix-cli --locked --profile memory --no-capture

test-media: setup ## every real file below TRIX_MEDIA through whole jobs (needs cargo-nextest)
	@cargo nextest run -p trix-cli -p trix-core --locked --no-fail-fast --profile media

test-vmaf: setup-vmaf ## the tests of VMAF, in a build with the feature vmaf (needs cargo-nextest)
	@cargo nextest run -p trix-core --features vmaf --locked -E 'test(vmaf)'

test-debian13: ## set-up, demo and the whole suite on Debian 13, in a root of its own (kept in target/roots)
	@scripts/debian.sh trixie bash -c 'scripts/setup.sh && make demo test'

test-sid: ## set-up and a smoke test on Debian unstable, in a root of its own
	@scripts/debian.sh sid bash -c 'scripts/setup.sh && scripts/smoke.sh'

lint: setup-build ## formatting, clippy and documentation, warnings as errors
	@cargo clippy --version >/dev/null 2>&1 || rustup component add clippy rustfmt
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items --locked
	@scripts/service.sh lint

fmt: ## format the sources
	cargo fmt --all
	cargo fmt --manifest-path trix-service/Cargo.toml
	$(if $(wildcard fuzz/Cargo.toml),cargo fmt --manifest-path fuzz/Cargo.toml)

bench: setup ## compare with the peer programs, then run the micro-benchmarks (BENCH_ARGS="...")
	cargo build --release -p trix-cli --locked
	cargo run --release -p trix-benches --bin peers --locked -- $(BENCH_ARGS)
	cargo bench -p trix-benches --locked

bench-python: setup wheel ## compare the Python wheel with PyAV, OpenCV and others (BENCH_ARGS="--rounds 3 --only x264,x265")
	@scripts/bench-python.sh $(BENCH_ARGS)

bench-chunks: setup ## compare a film in chunks with the same in one piece and with ffmpeg (BENCH_ARGS="--runs 3")
	cargo build --release -p trix-cli -p trix-benches --bins --locked
	python3 benches/chunks.py $(BENCH_ARGS)

bench-av1an: setup ## compare a film in chunks with Av1an, which this installs (BENCH_ARGS="--runs 3"; needs Python 3.12)
	cargo build --release -p trix-cli --locked
	@benches/av1an.sh
	python3 benches/av1an.py $(BENCH_ARGS)

bench-sharing: setup ## three HEVC copies that share one analysis against three that do not (hours; BENCH_ARGS="--seconds 10")
	cargo build --release -p trix-cli --locked
	@python3 benches/sharing.py $(BENCH_ARGS)

bench-service: setup ## load an ingest service: 200 workers, 10,000 titles, 50 requests a second (ten minutes; BENCH_ARGS="--titles 1000")
	@scripts/bench-service.sh $(BENCH_ARGS)

bench-scenes: setup ## compare the search for scenes with av-scenechange, which this installs (BENCH_ARGS="--runs 3"; needs nasm)
	cargo build --release -p trix-cli --locked
	cargo install av-scenechange --version 0.25.0 --locked --root target/bench/av-scenechange
	python3 benches/scenes.py $(BENCH_ARGS)

audit: setup-build ## licences, known vulnerabilities and origins of the dependencies
	@scripts/audit.sh

package: setup-build ## package the library and the crates below it as a registry takes them, and build each package
	cargo package --locked --allow-dirty $(addprefix -p ,$(PACKAGES))

vendored: setup-vendored ## build the libraries of the Python wheel from source (25 minutes, once; kept in target/vendored)
	@scripts/vendored.sh

build-vendored: setup-build vendored ## build the command line with these libraries, for every Linux with glibc 2.28
	scripts/vendored/release.sh cargo --config $(VENDORED)/prefix/cargo.toml build --release -p trix-cli --features vendored --locked
	@echo "needs glibc $$(scripts/vendored/inspect.sh $(VENDORED)/target/release/trix): $(VENDORED)/target/release/trix"

test-vendored: setup vendored ## the tests that concern the libraries, with these libraries (needs cargo-nextest)
	@PATH=$(abspath $(VENDORED))/programs:$$PATH cargo nextest run --config $(VENDORED)/prefix/cargo.toml -p trix-core -p trix-av --features vendored --locked --profile vendored

wheel: setup-build vendored ## build the Python wheel with these libraries (target/wheel/dist)
	@scripts/wheel.sh build

test-wheel: setup wheel ## audit the wheel, run the Python tests with it, and encode with it where nothing else is installed
	@scripts/wheel.sh test

test-pythons: setup wheel ## run the Python tests with the wheel on every Python here (PATH, pyenv), with the oldest dependencies it allows
	@scripts/pythons.sh

fuzz: setup-build ## fuzz each target for a while (FUZZ_SECONDS=60)
	@scripts/fuzz.sh $(FUZZ_SECONDS) $(FUZZ_TARGETS)

clean: ## remove everything that was built, the demo's files included
	cargo clean
	rm -rf fuzz/target
