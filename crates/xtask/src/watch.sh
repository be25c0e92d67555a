# Starts the server that the arguments name, and outlives the xtask that started this script: when xtask ends, in
# whatever way, its end of the pipe closes. Then the step that still runs is ended, the server stopped, the folder removed.
# Each line on the pipe names the process group of the running step; an empty line: none runs.
folder=$1
log=$2
shift 2
trap '' INT TERM HUP QUIT

"$@" >>"$log" 2>&1 </dev/null &
server=$!

group=
while read -r line; do group=$line; done
exec 2>/dev/null

gone() {
    tries=0
    while kill -0 "$1" && [ "$tries" -lt "$2" ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
}

if [ -n "$group" ]; then
    kill -TERM "-$group"
    gone "-$group" 50
    kill -KILL "-$group"
fi
kill -INT "$server"
( gone "$server" 100; kill -KILL "$server" ) &
wait "$server"
kill -KILL "$!"
rm -rf "$folder"
