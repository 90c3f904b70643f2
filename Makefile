# make demo: see it work.  make test: all tests.  make bench: what it costs, beside what you would use instead.
# make fuzz: any hooks file and any template, for ten minutes each (FUZZ_SECONDS=60 for one).

.PHONY: demo test bench fuzz lint build

demo:
	@sh tests/install.sh demo
	@cargo build --release --quiet
	@sh tests/demo.sh target/release/boathook

test:
	@sh tests/install.sh test
	@sh tests/run.sh

bench:
	@sh tests/install.sh bench
	@sh tests/image.sh engine && sh tests/image.sh base || true
	cargo bench --locked --bench bench

fuzz:
	@sh tests/install.sh fuzz
	@sh tests/fuzz/run.sh

lint:
	@sh tests/install.sh lint
	cargo fmt --check
	cargo fmt --check --manifest-path tests/fuzz/Cargo.toml
	cargo clippy --locked --all-targets -- -D warnings
	shellcheck tests/*.sh tests/fuzz/*.sh docker/no-binary .ci/run $$(find hooks-examples -name '*.sh' -exec grep -lE '^\#!.*\b(sh|bash)\b' {} +)
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --quiet

build:
	cargo build --release --locked
