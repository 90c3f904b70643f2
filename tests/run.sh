#!/bin/sh
# All tests: those of the program first, then those of the container, which mostly wait and so run many at a time.
set -eu

if [ -x target/restic-new/restic ]; then
    export BOATHOOK_TEST_RESTIC_NEW="$PWD/target/restic-new/restic"
fi
containers='test(/^container_/)'

cargo nextest run --locked --no-run
# What the tests of the fault injection must find (docs/design/torture.md): a program of its own, in a folder of its own.
cargo build --locked --quiet --features seeded-faults --bin boathook --target-dir target/seeded
if sh tests/image.sh engine && sh tests/image.sh build; then
    export BOATHOOK_TEST_IMAGE=boathook:test
elif [ "${CI:-}" = true ]; then
    echo "There is no container engine, or the image cannot be built: with CI=true that is a failure." >&2
    exit 1
fi

cargo nextest run --locked -E "not $containers" "$@"
if [ -z "${BOATHOOK_TEST_IMAGE:-}" ]; then
    # Asked for by name, so that nobody takes them for tested.
    cargo nextest list --locked --message-format oneline -E "$containers" | sed 's/^/skipped (no container engine): /'
    exit 0
fi
cargo nextest run --locked --test-threads 8 -E "$containers" "$@"
