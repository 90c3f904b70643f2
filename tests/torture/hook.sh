#!/bin/sh
# Every hook, undo and post hook of a scene: writes down that it starts and that it ends, and what it finds.
# A hook and its undo share one lock: two undos at a time, or an undo while its hook lives, are seen by it.
note() { echo "$* $HOOK_NAME $RUN_ID ${HOOK_RECOVERY:-0} $$" >> "$T/evidence"; }
of=${HOOK_NAME#undo-}
case $HOOK_NAME in *10-plain) ;; *)
    exec 9>> "$T/held/$of"
    flock -n 9 || note twice ;;
esac
note start
case $HOOK_NAME in
freeze)
    # One that takes its time to end when it is told to.
    trap 'sleep 0.05; note late; exit 143' TERM
    echo "froze"
    [ -n "$HOOK_OUTPUT" ] && echo "FROZEN=by-$RUN_ID" >> "$HOOK_OUTPUT" && note handed
    sleep 0.01 ;;
pre-backup) [ -n "$HOOK_OUTPUT" ] && echo "DUMP=of-$RUN_ID" >> "$HOOK_OUTPUT" && note handed ;;
undo-freeze)
    [ "$FROZEN" = "by-$RUN_ID" ] || note lacks
    [ -z "$UNDO_TAKES" ] || sleep "$UNDO_TAKES" ;;
undo-pre-backup) [ "$DUMP" = "of-$RUN_ID" ] || note lacks ;;
post-backup | tell)
    if [ -n "$RUN_SUMMARY" ]; then
        found=
        while read -r line; do case $line in *"$RUN_ID"*) found=yes ;; esac; done < "$RUN_SUMMARY"
        [ -n "$found" ] || note strange
    fi ;;
esac
case $HOOK_NAME in undo-* | post-backup | tell)
    # Who holds the job's lock does not get it a second time.
    flock -n "$RUN_DIR/cron.lock" true && note unlocked ;;
esac
note end
