#!/bin/sh
# Does: starts the services of a host that pre-backup.sh stopped, the last one first. Nothing noted, nothing done: the hook
#       may run twice, and without its pair ever having run. What cannot be started stays noted for the next time.
# Needs: ssh, and the rights on the host, as for pre-backup.sh.
#   SERVICE_HOST, SERVICE_SSH_KEY, SERVICE_SSH_PORT, SERVICE_KNOWN_HOSTS, SERVICE_SUDO  as for pre-backup.sh
#   SERVICE_STATE_FILE  the note (STATE_DIR/example-hooks/stopped-services, STATE_DIR being /var/lib/boathook)
# Install as: post-backup.sh, or post-backup.21-start-service.sh beside others.
# Critical: yes (HOOK_ON_ERROR=Fail): a service that stays down must not look like a good night.
set -eu

: "${SERVICE_HOST:?set SERVICE_HOST}"
note=${SERVICE_STATE_FILE:-${STATE_DIR:-/var/lib/boathook}/example-hooks/stopped-services}
[ -s "$note" ] || exit 0

sudo=
[ "${SERVICE_SUDO:-OFF}" != ON ] || sudo='sudo -n'
remote() {
    ssh -o BatchMode=yes -o StrictHostKeyChecking=yes -o ConnectTimeout=10 -o ServerAliveInterval=15 \
        -o ServerAliveCountMax=4 -p "${SERVICE_SSH_PORT:-22}" ${SERVICE_SSH_KEY:+-i "$SERVICE_SSH_KEY"} \
        ${SERVICE_KNOWN_HOSTS:+-o "UserKnownHostsFile=$SERVICE_KNOWN_HOSTS"} -- "$SERVICE_HOST" "$1" </dev/null
}

reversed=
while IFS= read -r service; do
    reversed="$service $reversed"
done <"$note"

set -f
left=
for service in $reversed; do
    if remote "${sudo:+$sudo }systemctl start $service"; then
        printf '%s\n' "started $service"
    else
        printf '%s\n' "could not start $service" >&2
        left="$service $left"
    fi
done

if [ -z "$left" ]; then
    rm -f -- "$note"
    exit 0
fi
# shellcheck disable=SC2086 # one name a line again
printf '%s\n' $left >"$note.new"
mv -- "$note.new" "$note"
exit 1
