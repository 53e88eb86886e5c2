#!/bin/sh
# The command chatr with the log and the settings of the service (chatr.service). Run it as root: only root may read them.
# Installed as /usr/local/bin/chatr: sudo chatr admin suspend Spammer --reason advertising

export CHATR_LOG=sqlite:////var/lib/chatr/chatr.db

# Otherwise the command would go to another log than the service's.
if [ -e /etc/chatr.env ] && [ ! -r /etc/chatr.env ]; then
    echo 'chatr: run this with sudo' >&2
    exit 2
fi

# Line by line, and not as a script: the shell would run the text after an & in the URL of a database. A value may stand in
# quotes; other escapes of systemd are not supported.
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
