# make demo: see it work.  make test: all tests.  make bench: what it costs, beside what you would use instead.

.PHONY: demo test bench lint build

demo:
	@sh tests/install.sh demo
	@cargo build --release --quiet
	@sh tests/demo.sh target/release/boathook

test:
	@sh tests/install.sh test
	@if [ -x target/restic-new/restic ]; then export BOATHOOK_TEST_RESTIC_NEW="$$PWD/target/restic-new/restic"; fi; \
	set -x; cargo nextest run --locked

bench:
	@sh tests/install.sh bench
	cargo bench --locked --bench bench

lint:
	@sh tests/install.sh lint
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	shellcheck tests/*.sh .ci/run $$(find hooks-examples -name '*.sh' -exec grep -lE '^\#!.*\b(sh|bash)\b' {} +)
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --quiet

build:
	cargo build --release --locked
