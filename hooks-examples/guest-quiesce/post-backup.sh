#!/bin/sh
# Does: has the guest agent thaw the file systems of a virtual machine (virsh domfsthaw), three attempts. Thawing what is
#       not frozen is fine: the hook may run twice, and without its pair ever having run.
# Needs: virsh here, or ssh to the hypervisor; qemu-guest-agent running in the machine.
#   GUEST_DOMAIN, GUEST_URI, GUEST_SSH, GUEST_TIMEOUT  as for pre-backup.sh
#   GUEST_RETRY_DELAY  seconds between the attempts (5)
# Install as: post-backup.sh, or post-backup.10-thaw-guest.sh beside others, as the first of them.
# Critical: yes (HOOK_ON_ERROR=Fail): a machine that stays frozen must not look like a good night.
set -eu

: "${GUEST_DOMAIN:?set GUEST_DOMAIN}"
# ssh hands its words to a shell on the other side.
case $GUEST_DOMAIN in
-* | *[!A-Za-z0-9_.:-]*)
    echo 'GUEST_DOMAIN may hold letters, digits and _ . : - only' >&2
    exit 2
    ;;
esac
guest() {
    if [ -n "${GUEST_SSH:-}" ]; then
        timeout "${GUEST_TIMEOUT:-60}" ssh -o BatchMode=yes -o StrictHostKeyChecking=yes -o ConnectTimeout=10 \
            -- "$GUEST_SSH" virsh "$1" "$GUEST_DOMAIN" </dev/null
    else
        timeout "${GUEST_TIMEOUT:-60}" virsh ${GUEST_URI:+--connect "$GUEST_URI"} "$1" "$GUEST_DOMAIN" </dev/null
    fi
}

attempt=1
until guest domfsthaw; do
    if [ "$attempt" -ge 3 ]; then
        printf '%s\n' "could not thaw $GUEST_DOMAIN; on the hypervisor: virsh domfsthaw $GUEST_DOMAIN" >&2
        exit 1
    fi
    attempt=$((attempt + 1))
    sleep "${GUEST_RETRY_DELAY:-5}"
done
printf '%s\n' "thawed the file systems of $GUEST_DOMAIN"
