# make demo: see it work.  make test: all tests.  make bench: what it costs, beside what you would use instead.
# make torture: every system call of a run fails, and is the last one before a kill or a power cut (half an hour).
# make soak: 500 runs with random kills, and containers that are killed (SOAK_RUNS=5000 for more).
# make fuzz: any hooks file and any template, for ten minutes each (FUZZ_SECONDS=60 for one).

.PHONY: demo test soak bench fuzz torture lint build

demo:
	@sh tests/install.sh demo
	@cargo build --release --quiet
	@sh tests/demo.sh target/release/boathook

test:
	@sh tests/install.sh test
	@sh tests/run.sh

soak:
	@sh tests/install.sh test
	@sh tests/soak.sh

bench:
	@sh tests/install.sh bench
	@sh tests/image.sh engine && sh tests/image.sh base || true
	cargo bench --locked --bench bench

fuzz:
	@sh tests/install.sh fuzz
	@sh tests/fuzz/run.sh

torture:
	@sh tests/install.sh torture
	TORTURE=full cargo test --locked --test torture -- --nocapture --test-threads=1

lint:
	@sh tests/install.sh lint
	cargo fmt --check
	cargo fmt --check --manifest-path tests/fuzz/Cargo.toml
	cargo clippy --locked --all-targets -- -D warnings
	shellcheck tests/*.sh tests/fuzz/*.sh tests/torture/*.sh docker/no-binary .ci/run $$(find hooks-examples -name '*.sh' -exec grep -lE '^\#!.*\b(sh|bash)\b' {} +)
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --quiet

build:
	cargo build --release --locked
