#!/bin/sh
# Runs with random kills, and containers that are killed, until the numbers are reached: every freeze has its thaw.
set -eu

BOATHOOK_SOAK_RUNS="${SOAK_RUNS:-500}"
BOATHOOK_SOAK_SEED="${SOAK_SEED:-$(date +%s)}"
BOATHOOK_SOAK_CONTAINERS="${SOAK_CONTAINERS:-20}"
export BOATHOOK_SOAK_RUNS BOATHOOK_SOAK_SEED BOATHOOK_SOAK_CONTAINERS
echo "soak: seed $BOATHOOK_SOAK_SEED (SOAK_SEED=$BOATHOOK_SOAK_SEED for the same again)"

cargo nextest run --locked --no-run
if sh tests/image.sh engine && sh tests/image.sh build; then
    export BOATHOOK_TEST_IMAGE=boathook:test
else
    echo "skipped: containers that are killed: there is no engine, or no image" >&2
fi
cargo nextest run --locked --no-capture -E 'test(/^(recovery_soak|container_recovery)::/)'
