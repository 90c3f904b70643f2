#!/bin/sh
# Does: stops services of a host by ssh (systemctl stop) and notes which of them were running: post-backup.sh starts those
#       and no others.
# Needs: ssh; on the host a user that may stop and start these services and nothing else (a sudoers or polkit rule).
#   SERVICE_HOST         user@host
#   SERVICE_NAMES        names, separated by blanks, in the order in which they are stopped
#   SERVICE_SSH_KEY      private key (ssh's default)
#   SERVICE_SSH_PORT     (22)
#   SERVICE_KNOWN_HOSTS  file with the host's key; an unknown host is refused (ssh's default)
#   SERVICE_SUDO         ON runs `sudo -n systemctl` (OFF)
#   SERVICE_STATE_FILE   the note; on a volume, so that it outlives this container
#                        (STATE_DIR/example-hooks/stopped-services, STATE_DIR being /var/lib/boathook)
# Install as: pre-backup.sh, or pre-backup.41-stop-service.sh beside others, always together with its post-backup.sh.
# Critical: yes (HOOK_ON_ERROR=Fail) if a backup of a running program is of no use to you.
set -eu

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}
: "${SERVICE_HOST:?set SERVICE_HOST}" "${SERVICE_NAMES:?set SERVICE_NAMES}"
note=${SERVICE_STATE_FILE:-${STATE_DIR:-/var/lib/boathook}/example-hooks/stopped-services}

sudo=
[ "${SERVICE_SUDO:-OFF}" != ON ] || sudo='sudo -n'
# BatchMode: nobody is there to answer a question. The alive messages end a connection that has died.
remote() {
    ssh -o BatchMode=yes -o StrictHostKeyChecking=yes -o ConnectTimeout=10 -o ServerAliveInterval=15 \
        -o ServerAliveCountMax=4 -p "${SERVICE_SSH_PORT:-22}" ${SERVICE_SSH_KEY:+-i "$SERVICE_SSH_KEY"} \
        ${SERVICE_KNOWN_HOSTS:+-o "UserKnownHostsFile=$SERVICE_KNOWN_HOSTS"} -- "$SERVICE_HOST" "$1" </dev/null
}

set -f
for service in $SERVICE_NAMES; do
    # The name becomes part of a command line on the other side.
    case $service in
    -* | *[!A-Za-z0-9@_.:-]*) fail "'$service' is not the name of a service" ;;
    esac
done

mkdir -p -- "$(dirname -- "$note")"
for service in $SERVICE_NAMES; do
    code=0
    state=$(remote "systemctl is-active $service") || code=$?
    [ "$code" -ne 255 ] || fail "cannot reach $SERVICE_HOST"
    case $state in
    active | activating | reloading)
        # Noted before it is stopped, and never emptied here: the note may hold what a run that crashed still owes.
        grep -qxF -- "$service" "$note" 2>/dev/null || printf '%s\n' "$service" >>"$note"
        ;;
    deactivating) ;; # the stop below waits for its end
    inactive | failed)
        printf '%s\n' "$service does not run: left alone"
        continue
        ;;
    *) fail "cannot tell whether $service runs: '$state'" ;;
    esac
    remote "${sudo:+$sudo }systemctl stop $service" || fail "could not stop $service"
    printf '%s\n' "stopped $service"
done
