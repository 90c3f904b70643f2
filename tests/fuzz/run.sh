#!/bin/sh
# Runs each fuzz target for FUZZ_SECONDS (600 by default), or those that are named. Needs a C++ compiler for libFuzzer, and
# no nightly toolchain: what libFuzzer learns from is put in by the stable compiler's own LLVM.
set -eu
cd "$(dirname "$0")/../.."

seconds=${FUZZ_SECONDS:-600}
folder="$PWD/target/fuzz"
host=$(rustc -vV | sed -n 's/^host: //p')
llvm="-Cllvm-args=-sanitizer-coverage"
# With a target named, build scripts are compiled without these.
export RUSTFLAGS="-Cpasses=sancov-module $llvm-level=4 $llvm-inline-8bit-counters $llvm-pc-table $llvm-trace-compares --cfg fuzzing -Ccodegen-units=1"
export CARGO_TARGET_DIR="$folder/build"
# The program with the very versions that it is tested with.
cp Cargo.lock tests/fuzz/Cargo.lock
cargo build --release --manifest-path tests/fuzz/Cargo.toml --target "$host"

[ $# -gt 0 ] || set -- hooks_file templates
code=0
for target in "$@"; do
    corpus="$folder/corpus/$target"
    mkdir -p "$corpus" "$folder/findings"
    echo "== $target: $seconds s =="
    # A single input takes milliseconds: one that takes 10 s hangs.
    FUZZ_SEEDS="$corpus" "$CARGO_TARGET_DIR/$host/release/$target" "$corpus" -max_total_time="$seconds" -timeout=10 \
        -rss_limit_mb=2048 -max_len=16384 -artifact_prefix="$folder/findings/$target-" -print_final_stats=1 -verbosity=1 || {
        # The others run all the same: what one finds says nothing of them.
        code=$?
        echo "== $target: ended with $code; what it found is in $folder/findings ==" >&2
    }
done
exit "$code"
