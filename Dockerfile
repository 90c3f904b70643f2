# The image. Stages: base (everything but the program), prebuilt (with a program that was built outside), build (from
# source), final. Builders without BuildKit go through every stage up to the one that is asked for.
#
#   docker build -t boathook .                                             from source
#   docker build -t boathook --target prebuilt --build-arg BINARY=target/release/boathook .
#
# docs/image.md has all build arguments.
ARG RUST_IMAGE=rust:1-slim-trixie

FROM debian:trixie-slim AS base

# nfs-common is for `mount -t nfs` (NFS_TARGET), fuse3 for mounted snapshots, msmtp-mta is the `sendmail` of mails.
RUN set -eu; \
    export DEBIAN_FRONTEND=noninteractive; \
    apt-get update -qq; \
    apt-get install -y -qq --no-install-recommends \
        bash ca-certificates curl fuse3 jq msmtp msmtp-mta nfs-common openssh-client restic tzdata >/dev/null; \
    apt-get clean; \
    rm -rf /var/lib/apt/lists/* /var/cache/debconf/*-old /var/cache/ldconfig/aux-cache

# A version (1.71.2) takes the official archive, verified by its checksum; empty takes Debian's package. The variables
# are taken away first: rclone takes RCLONE_VERSION for its own flag --version.
ARG RCLONE_VERSION=
ARG RCLONE_MIRROR=https://downloads.rclone.org
RUN set -eu; \
    wanted=$RCLONE_VERSION; mirror=$RCLONE_MIRROR; unset RCLONE_VERSION RCLONE_MIRROR; \
    export DEBIAN_FRONTEND=noninteractive; \
    refuse() { echo "RCLONE_VERSION=$wanted: $1" >&2; exit 1; }; \
    apt-get update -qq; \
    if [ -z "$wanted" ]; then \
        apt-get install -y -qq --no-install-recommends rclone >/dev/null; \
    else \
        debian=$(dpkg --print-architecture); \
        case "$debian" in \
            amd64|arm64) arch=$debian ;; \
            i386) arch=386 ;; \
            armhf) arch=arm-v7 ;; \
            *) refuse "rclone has no official archive for $debian; leave it empty to take Debian's package" ;; \
        esac; \
        version=v${wanted#v}; \
        name=rclone-$version-linux-$arch; \
        work=$(mktemp -d); \
        cd "$work"; \
        for file in "$name.zip" SHA256SUMS; do \
            curl -fsSL --retry 3 -o "$file" "$mirror/$version/$file" || refuse "cannot fetch $mirror/$version/$file"; \
        done; \
        awk -v name="$name.zip" '$2 == name' SHA256SUMS > expected; \
        [ "$(wc -l < expected)" = 1 ] || refuse "SHA256SUMS does not name $name.zip once"; \
        sha256sum -c expected || refuse "$name.zip is not what SHA256SUMS says"; \
        apt-get install -y -qq --no-install-recommends unzip >/dev/null; \
        unzip -q "$name.zip"; \
        install -m 755 "$name/rclone" /usr/bin/rclone; \
        apt-get purge -y -qq --auto-remove unzip >/dev/null; \
        cd /; \
        rm -rf "$work"; \
    fi; \
    rclone version; \
    apt-get clean; \
    rm -rf /var/lib/apt/lists/* /var/cache/debconf/*-old /var/cache/ldconfig/aux-cache

# Debian packages for hooks, with blanks between them.
ARG EXTRA_PACKAGES=
RUN set -eu; \
    [ -n "$EXTRA_PACKAGES" ] || exit 0; \
    export DEBIAN_FRONTEND=noninteractive; \
    apt-get update -qq; \
    apt-get install -y -qq --no-install-recommends $EXTRA_PACKAGES >/dev/null; \
    apt-get clean; \
    rm -rf /var/lib/apt/lists/* /var/cache/debconf/*-old /var/cache/ldconfig/aux-cache

# A user for `--user 1000`: ssh refuses one that has no name. Whatever user it is that the container runs as, and
# whatever is mounted there from an empty volume, these folders can be written (as /tmp can).
RUN set -eu; \
    useradd --uid 1000 --user-group --no-create-home --home-dir /var/lib/boathook --shell /bin/sh boathook; \
    find /var/log -mindepth 1 -delete; \
    rm -rf /run/adduser; \
    mkdir -p /var/lib/boathook /.cache/restic /var/spool/cron/crontabs /restore /fusemount /mnt/restic /data; \
    chmod 1777 /var/log /run /var/lib/boathook /.cache /.cache/restic /var/spool/cron/crontabs \
        /restore /fusemount /mnt/restic; \
    for command in \
        backup check prune forget replicate bisync restore \
        restore-test snapshot-export forget-preview mount-snapshot unlock sources-report init-repo notify-test \
        locked_run rotate_log hooks doctor config-check status health-summary cron-list schedule alive; \
    do \
        ln -s /usr/local/bin/boathook "/bin/$command"; \
    done; \
    ln -s /usr/local/bin/boathook /entry.sh
COPY docker/msmtprc /etc/msmtprc

# What is set here is what a setting is without being set; docs/environment.md explains each.
ENV RESTIC_REPOSITORY=/mnt/restic \
    RESTIC_PASSWORD= \
    RESTIC_PASSWORD_FILE= \
    RESTIC_TAG=automated \
    RESTIC_CACHE_DIR=/.cache/restic \
    RESTIC_CACERT= \
    RESTIC_CHECK_REPOSITORY_STATUS=ON \
    RESTIC_AUTO_UNLOCK=OFF \
    NFS_TARGET= \
    BACKUP_CRON="0 */6 * * *" \
    CHECK_CRON= \
    PRUNE_CRON= \
    FORGET_CRON= \
    REPLICATE_CRON= \
    ROTATE_LOG_CRON="0 0 * * 6" \
    BACKUP_ROOT_DIR= \
    RESTIC_JOB_ARGS= \
    RESTIC_FORGET_ARGS= \
    RESTIC_CHECK_ARGS= \
    RESTIC_PRUNE_ARGS= \
    RCLONE_CONFIG=/config/rclone.conf \
    REPLICATE_JOB_FILE=/config/replicate_jobs.txt \
    REPLICATE_JOB_ARGS= \
    REPLICATE_VERBOSE=ON \
    REPLICATE_BISYNC_CHECK_ACCESS=OFF \
    SYNC_CRON= \
    SYNC_JOB_FILE= \
    SYNC_JOB_ARGS= \
    SYNC_VERBOSE= \
    SYNC_BISYNC_CHECK_ACCESS= \
    HOOK_TIMEOUT=0 \
    MAILX_RCPT= \
    MAILX_ON_ERROR=OFF \
    WEBHOOK_URL= \
    WEBHOOK_HEADER_AUTH= \
    WEBHOOK_TIMEOUT=10 \
    WEBHOOK_ON_ERROR=OFF \
    METRICS_DIR= \
    CRON_LOG_MAX_SIZE=1048576 \
    MAX_CRON_LOG_ARCHIVES=5 \
    OS_AUTH_URL= \
    OS_PROJECT_ID= \
    OS_PROJECT_NAME= \
    OS_USERNAME= \
    OS_PASSWORD= \
    OS_REGION_NAME= \
    OS_INTERFACE= \
    OS_USER_DOMAIN_NAME=Default \
    OS_PROJECT_DOMAIN_ID=Default \
    OS_IDENTITY_API_VERSION=3 \
    TZ=Europe/Amsterdam

WORKDIR /
VOLUME /data
STOPSIGNAL SIGTERM
# Whether init and scheduler answer: a failed backup is told by reports and `status`, and must not get the container killed.
HEALTHCHECK --interval=60s --timeout=10s --start-period=300s --retries=3 CMD ["/usr/local/bin/boathook", "alive"]
ENTRYPOINT ["/entry.sh"]

# Last, since it changes with every release.
ARG RESTIC_BACKUP_HELPER_RELEASE=unknown
ENV RESTIC_BACKUP_HELPER_RELEASE=${RESTIC_BACKUP_HELPER_RELEASE}
LABEL org.opencontainers.image.title="Boathook" \
      org.opencontainers.image.description="restic backups on a schedule, with hooks that can be trusted" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${RESTIC_BACKUP_HELPER_RELEASE}" \
      org.opencontainers.image.base.name="docker.io/library/debian:trixie-slim"


FROM base AS prebuilt
ARG BINARY=docker/no-binary
COPY ${BINARY} /usr/local/bin/boathook
# One that was built against a newer C library does not run here: better to know it now.
RUN [ "$BINARY" = docker/no-binary ] || boathook --version


FROM ${RUST_IMAGE} AS build
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY src src
# The manifest names the tests, which are not needed here.
RUN mkdir -p tests/it tests/bench \
 && touch tests/it/main.rs tests/bench/main.rs \
 && cargo build --release --locked --bin boathook


FROM base AS final
COPY --from=build /src/target/release/boathook /usr/local/bin/boathook
