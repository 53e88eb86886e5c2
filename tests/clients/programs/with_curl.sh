#!/bin/bash
# curl, and the shell to read its lines.
last=''
while :; do
  id='' data=''
  while IFS= read -r line; do
    case $line in
      'id: '*) id=${line#id: } ;;
      'data: '*) data=${line#data: } ;;
      '') printf '%s\n' "$data" && last=${id:-$last} id='' data='' ;;
    esac
  done < <(curl --silent --no-buffer --header "Last-Event-ID: $last" "$1")
  sleep 0.5
done
