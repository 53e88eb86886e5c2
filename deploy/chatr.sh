#!/bin/sh
# The command chatr with the log and the settings of the service (chatr.service). Only root may read these.
# Installed as /usr/local/bin/chatr: sudo chatr admin suspend Spammer --reason advertising

export CHATR_LOG=sqlite:////var/lib/chatr/chatr.db

# Read as systemd does, and not by the shell, which would run what stands behind an & in the URL of a database.
if [ -e /etc/chatr.env ]; then
    while IFS= read -r line || [ -n "$line" ]; do
        value=${line#*=}
        case $value in
            \'*\') value=${value#\'} value=${value%\'} ;;
            \"*\") value=${value#\"} value=${value%\"} ;;
        esac
        case $line in [A-Z]*=*) export "${line%%=*}=$value" ;; esac
    done </etc/chatr.env
fi

exec /opt/chatr/bin/chatr "$@"
