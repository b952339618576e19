#!/bin/bash
# Installs the system packages a task needs and that are missing: deps.sh build|test|bench ...
#
# Does nothing, and uses no network, when all are there. Asks no question: as root or through `sudo -n` it installs,
# otherwise it prints the line to run and exits with 1.
set -euo pipefail

missing=()
# need PACKAGE TEST...: PACKAGE is missing when the command TEST fails.
need() {
    local package=$1
    shift
    "$@" >/dev/null 2>&1 || missing+=("$package")
}
has() { command -v "$1" || test -x "/usr/sbin/$1"; }
# True when each of the Debian packages is installed.
installed() { [ "$(dpkg-query -W -f '${db:Status-Status}\n' "$@" | grep -cx installed)" = $# ]; }

debian() {
    case $1 in
    build)
        need pkg-config has pkg-config
        need librocksdb-dev installed librocksdb-dev
        ;;
    test)
        # Debian splits ensurepip from python3; another python3 first in PATH may have it already.
        need python3-venv python3 -c 'import ensurepip, venv'
        for name in git s3cmd rclone restic strace curl chromium; do need $name has $name; done
        ;;
    bench)
        need python3-venv python3 -c 'import ensurepip, venv'
        # Debian's nginx has the DAV module built in; it is only run with a configuration of our own.
        need nginx has nginx
        need wrk has wrk
        # The peer of the channels.
        need golang-go has go
        need util-linux has taskset
        ;;
    *)
        echo "deps.sh: unknown group $1 (build, test, bench)" >&2
        exit 2
        ;;
    esac
}

macos() {
    case $1 in
    build) need rocksdb pkg-config --exists rocksdb && need pkg-config has pkg-config ;;
    test) for name in s3cmd rclone restic; do need $name has $name; done ;; # strace is Linux's; its test is skipped
    bench) for name in nginx wrk go; do need $name has $name; done ;;
    *)
        echo "deps.sh: unknown group $1 (build, test, bench)" >&2
        exit 2
        ;;
    esac
}

if [ "$(uname)" = Darwin ]; then
    for group in "$@"; do macos "$group"; done
    [ ${#missing[@]} -eq 0 ] && exit 0
    if ! command -v brew >/dev/null; then
        echo "skerry needs: ${missing[*]}. Install Homebrew (https://brew.sh), then run: brew install ${missing[*]}" >&2
        exit 1
    fi
    exec brew install "${missing[@]}"
fi

for group in "$@"; do debian "$group"; done
[ ${#missing[@]} -eq 0 ] && exit 0

packages=$(printf '%s\n' "${missing[@]}" | sort -u | tr '\n' ' ')
if ! command -v apt-get >/dev/null; then
    echo "skerry needs what Debian calls: $packages- install them with this system's package manager" >&2
    exit 1
fi
if [ "$(id -u)" = 0 ]; then
    as_root=()
elif sudo -n true 2>/dev/null; then
    as_root=(sudo -n)
else
    echo "skerry needs packages that only root can install. Run:" >&2
    echo "    sudo apt-get update && sudo apt-get install -y --no-install-recommends $packages" >&2
    exit 1
fi

# Debian starts a service when its package is installed. nginx is wanted as a program, not as a server on port 80,
# so a policy-rc.d that says no stands in the way while it is installed, unless the machine has a policy of its own.
policy=/usr/sbin/policy-rc.d
if [[ " $packages" == *" nginx "* && ! -e $policy ]]; then
    trap '"${as_root[@]}" rm -f $policy' EXIT
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee $policy >/dev/null
    "${as_root[@]}" chmod 755 $policy
fi

environment=(env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8)
"${as_root[@]}" "${environment[@]}" apt-get update -q
# shellcheck disable=SC2086 # a list of names
"${as_root[@]}" "${environment[@]}" apt-get install -y -q --no-install-recommends $packages
