#!/bin/sh
# Does: has the guest agent of a virtual machine freeze the machine's file systems (virsh domfsfreeze), so that its disk
#       can be read or copied as it stood at one moment.
# Needs: virsh here, or ssh to the hypervisor; qemu-guest-agent running in the machine.
#   GUEST_DOMAIN   name of the machine
#   GUEST_URI      libvirt connection, for example qemu+ssh://backup@hypervisor.example/system (virsh's default)
#   GUEST_SSH      user@hypervisor: run virsh there by ssh instead, for an image without virsh; keys as ssh finds them
#   GUEST_TIMEOUT  seconds for one call of virsh (60)
# Install as: pre-backup.sh, or pre-backup.50-quiesce.sh beside others, always together with its post-backup.sh.
#       Better: freeze, take a snapshot of the disk, thaw,
#       all before the backup starts.
# Critical: yes (HOOK_ON_ERROR=Fail) if a backup that is not consistent is of no use to you.
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

# A freeze that failed may have frozen some of the file systems: the backup must not leave them so for its whole length.
frozen=no
thaw() {
    [ "$frozen" = yes ] || guest domfsthaw || true
}
trap thaw EXIT
trap 'exit 143' TERM INT HUP

guest domfsfreeze
frozen=yes
printf '%s\n' "froze the file systems of $GUEST_DOMAIN"
