#!/usr/bin/env bash
# Installs the Fairlead agent on this server and enrols it with its controller:
#
#   curl -fsSL https://CONTROLLER/install.sh | sudo bash -s -- --token flt_…
#
#   --token TOKEN   registration token from the console; or in the environment as FAIRLEAD_TOKEN
#   --pin PIN       sha256//… of the public key of the controller's certificate, where that is self-signed
#   --name NAME     how the server is called in the console (default: its host name)
#   --uninstall     take everything off but environments and their data
#
# It asks nothing, may be run again at any time (that upgrades), and changes nothing before all checks have passed.
# What it installs is checked against the Ed25519 key below. Nothing runs before the last line has arrived.
set -euo pipefail

version='@VERSION@'            # packaging/release fills in these two
release_key='@RELEASE_KEY@'
controller='@CONTROLLER_URL@'  # the controller fills in these two
pin='@CONTROLLER_PIN@'

max_clock_error=60 min_free_mb=200 # seconds; megabytes
work='' fresh='' # fresh: set while this run's first installation can still be taken back
link=start       # what the link's unit is told once this server is enrolled

say() { printf '  %-10s %s\n' "$1" "$2"; }

refuse() { # WHAT CURE
    printf '\nNot installed: %s\n%s\n' "$1" "$2" >&2
    exit 1
}

at_exit() {
    local status=$?
    if [[ -n $fresh && $status -ne 0 ]]; then
        if /usr/lib/fairlead/agent-remove >/dev/null 2>&1; then echo "Everything is as it was before." >&2
        else echo "What was unpacked could not be taken off again; run the script with --uninstall." >&2; fi
    fi
    [[ -z $work ]] || rm -rf "$work"
}

# ---- checks ------------------------------------------------------------------------------------------------------

check_platform() {
    local machine glibc
    [[ $EUID -eq 0 ]] || refuse "this needs root, and runs as $(id -un)." \
        "Put sudo before bash: curl … | sudo bash -s -- --token …"
    machine=$(uname -sm)
    [[ $machine == "Linux x86_64" ]] || refuse "there is no agent for $machine yet." "It runs on Linux on x86_64 (amd64)."
    [[ -d /run/systemd/system ]] || refuse "systemd does not run this system." \
        "The agent and Odoo run as systemd units. In a container, use one that boots systemd, or a virtual machine."
    systemd=$(systemctl --version | sed -nE '1s/^systemd ([0-9]+).*/\1/p')
    [[ ${systemd:-0} -ge 249 ]] || refuse "systemd ${systemd:-of unknown version} is too old; 249 is needed." \
        "Use Debian 12, Ubuntu 22.04 or newer."
    # shellcheck source=/dev/null
    distribution=$(. /etc/os-release 2>/dev/null && echo "${ID:-unknown} ${VERSION_ID:-}") || distribution=unknown
    case $distribution in
        debian\ [0-9] | debian\ [0-9].* | debian\ 1[01]* | ubuntu\ [0-9].* | ubuntu\ 1* | ubuntu\ 20* | ubuntu\ 21*)
            refuse "$distribution is too old." "Use Debian 12 or newer, or Ubuntu 22.04 or newer." ;;
    esac
    glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null) || glibc="glibc 0"
    [[ $(printf '%s\n2.35\n' "${glibc#glibc }" | sort -V | head -n 1) == 2.35 ]] || refuse "$glibc on $distribution is too old; 2.35 is needed." \
        "Use Debian 12 or newer, or Ubuntu 22.04 or newer."
}

check_disk() {
    local place free
    for place in /usr /var/lib "${TMPDIR:-/tmp}"; do
        free=$(df -Pm "$place" | sed -nE '2s/^.* ([0-9]+) +[0-9]+%.*/\1/p')
        [[ ${free:-0} -ge $min_free_mb ]] || refuse "$place has ${free:-0} MB free; $min_free_mb MB are needed." \
            "Free some space there and run the command again."
    done
}

check_arguments() {
    [[ $controller =~ ^https://[A-Za-z0-9.:-]+$|^https://\[[0-9a-fA-F:]+\](:[0-9]+)?$ ]] || refuse \
        "this copy of the script names no controller ('$controller')." "Fetch it from your controller: https://CONTROLLER/install.sh"
    [[ -z $pin || $pin =~ ^sha256//[A-Za-z0-9+/]{43}=$ ]] || refuse "--pin '$pin' is malformed; it reads sha256//, then 44 characters." \
        "Copy the command from the console again, whole."
    if [[ -z $token ]]; then
        enrolled || refuse "there is no --token." "Make one in the console under Servers, Add server; it shows the whole command."
    elif [[ ! $token =~ ^flt_[A-Za-z0-9_-]{20,120}$ ]]; then
        refuse "the token is malformed: it begins with flt_ and has no spaces or quotes." "Copy the command from the console again, whole."
    fi
}

enrolled() { [[ -e /var/lib/fairlead/link/identity.json ]]; }

# ---- fetching ----------------------------------------------------------------------------------------------------

# fetch PATH FILE [curl options]: from the controller, whose certificate is held against the pin or this system's CAs.
fetch() {
    local from=$controller$1 to=$2 status=0 http
    shift 2
    http=$(curl -sS --proto '=https' --tlsv1.2 --connect-timeout 10 --max-time 300 --max-filesize 50000000 \
        --retry 2 -w '%{http_code}' "${trust[@]}" "$@" -o "$to" "$from" 2>"$work/curl" </dev/null) || status=$?
    case $status in
        0) [[ $http == 200 ]] || refuse "$from answered $http: $(head -c 2000 "$to" | sed -nE 's/.*"detail": ?"([^"]*)".*/\1/p')" \
            "Tell the controller's administrator; it cannot be put right on this server." ;;
        60) refuse "the certificate of $controller is not signed by an authority that this server knows." \
            "Copy the command from the console again: where the certificate is self-signed, it has a --pin. Or is the clock wrong? It says $(date -u '+%F %T') UTC." ;;
        90) refuse "certificate pin mismatch: what answers at $controller is not the controller that the command was made for." \
            "Copy the command from the console again. If that is refused too, something stands between this server and the controller." ;;
        *) refuse "the controller cannot be reached at $controller: $(sed 's/^curl: //' "$work/curl" | head -n 1)" \
            "From this server, its name must resolve and its port be open: curl -v $controller/healthz" ;;
    esac
}

check_clock() {
    local date theirs off
    date=$(sed -nE 's/^[Dd]ate: *([^\r]*)\r?$/\1/p' "$work/headers" | tail -n 1)
    [[ -n $date ]] || refuse "the controller's answer has no date." "Is there a proxy before $controller that removes the Date header?"
    theirs=$(date -u -d "$date" +%s)
    off=$(($(date -u +%s) - theirs))
    [[ ${off#-} -le $max_clock_error ]] || refuse "the clock of this server is ${off#-} s $([[ $off -gt 0 ]] && echo ahead of || echo behind) the controller's ($date)." \
        "Set it right (timedatectl set-ntp true) and run the command again."
    clock="clock right to ${off#-} s"
}

need_openssl() { # it checks the signature; a server without it gets the distribution's
    ! openssl version 2>/dev/null | grep -qE '^OpenSSL ([3-9]|[1-9][0-9])' || return 0
    command -v apt-get >/dev/null || refuse "openssl 3 is not installed; it checks the signature of the package." "Install openssl with the package manager of $distribution."
    say installing "openssl, to check the signature"
    { apt_get update && apt_get install openssl; } >"$work/apt" 2>&1 || refuse "openssl, which checks the signature of the package, could not be installed:
$(tail -n 3 "$work/apt")" "Install it (apt-get install openssl) and run the command again."
}

apt_get() {
    DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get -qq -y --no-install-recommends -o DPkg::Lock::Timeout=300 \
        -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@" </dev/null
}

fetch_package() { # the sums are signed and name the package: so it is the one that the release key's owner made
    local want
    if command -v dpkg >/dev/null && command -v apt-get >/dev/null; then package=fairlead-agent_${version}_amd64.deb
    else package=fairlead-agent-$version-linux-amd64.tar.gz; fi
    fetch /agent/SHA256SUMS.sig "$work/SHA256SUMS.sig"
    fetch "/agent/$package" "$work/$package"
    printf -- '-----BEGIN PUBLIC KEY-----\n%s\n-----END PUBLIC KEY-----\n' "$release_key" >"$work/key.pem"
    openssl pkeyutl -verify -pubin -inkey "$work/key.pem" -rawin -in "$work/SHA256SUMS" \
        -sigfile "$work/SHA256SUMS.sig" >/dev/null 2>&1 || refuse "the signature of the checksums is not the release key's." \
        "The packages on the controller were altered or belong to another release. Do not install; tell the controller's administrator."
    want=$(sed -nE "s/^([0-9a-f]{64}) [ *]${package//./\\.}\$/\1/p" "$work/SHA256SUMS")
    [[ -n $want && $(sha256sum "$work/$package") == "$want "* ]] || refuse "the package $package was altered: its SHA-256 is not the signed one." \
        "Run the command again. If it is refused again, do not install; tell the controller's administrator."
    say fetched "$package, $(du -k "$work/$package" | cut -f1) KiB, SHA-256 and signature good"
}

# ---- installing --------------------------------------------------------------------------------------------------

installed_version() {
    dpkg-query -W -f '${db:Status-Status} ${Version}' fairlead-agent 2>/dev/null | sed -n 's/^installed //p' | grep . \
        || cat /usr/share/fairlead-agent/version 2>/dev/null || true
}

install_package() {
    local had file
    had=$(installed_version)
    if [[ -n $had && $(printf '%s\n%s\n' "$had" "$version" | sort -V | tail -n 1) == "$had" ]]; then say installed "already: fairlead-agent $had"; return; fi
    need_openssl
    fetch_package
    [[ -n $had || -e /etc/fairlead/policy.yaml ]] || fresh=yes
    if [[ $package == *.deb ]]; then
        chmod 755 "$work"
        apt_get install "$work/$package" >"$work/apt" 2>&1 || refuse "apt-get could not install $package:
$(tail -n 8 "$work/apt")" "Put right what it says (apt-get -f install may do) and run the command again."
    else
        tar -C "$work" --no-same-owner -xzf "$work/$package" etc usr
        for file in "$work"/etc/fairlead/*; do [[ ! -e /etc/fairlead/${file##*/} ]] || rm "$file"; done # the owner's stay
        tar -C "$work" -cf - etc usr | tar -C / --no-same-owner --no-overwrite-dir -xf -
        /usr/lib/fairlead/agent-setup >"$work/setup" 2>&1 || refuse "the agent could not be set up: $(<"$work/setup")" "Put right what it says and run the command again."
    fi
    say installed "fairlead-agent $version${had:+, before $had}"
}

enroll() {
    local said more=()
    [[ -z $pin ]] || more+=(--pin "$pin")
    [[ -z $name ]] || more+=(--name "$name")
    # The token travels in the environment, which other users cannot read, and is gone with the process.
    FAIRLEAD_TOKEN=$token fairlead-agent enroll --controller "$controller" "${more[@]}" >"$work/enroll" 2>&1 </dev/null || refuse \
        "$(<"$work/enroll")" "Where the token is at fault, make a new one in the console and run the command that it shows."
    token=''
    said=$(tail -n 1 "$work/enroll")
    # A link that runs already knows the identity from before.
    [[ $said == already* ]] || link=restart
    say enrolled "${said#enrolled }"
}

bring_online() {
    local said
    systemctl -q enable fairlead-link.service fairlead-executor.socket fairlead-executor.service \
        fairlead-terminal.socket fairlead-logs.socket fairlead-recordings.socket fairlead-mailbox.socket fairlead-metrics.socket \
        fairlead-mail.socket fairlead-mail.timer
    systemctl start fairlead-executor.socket fairlead-terminal.socket fairlead-logs.socket fairlead-recordings.socket fairlead-mailbox.socket \
        fairlead-metrics.socket fairlead-mail.socket fairlead-mail.timer
    systemctl "$link" fairlead-link.service
    # From here on a failure leaves the agent installed: it goes on trying by itself.
    fresh=''
    if ! said=$(fairlead-agent status --wait 30 2>&1 </dev/null); then
        printf '\nInstalled and enrolled, but not online yet:\n%s\nIt goes on trying. Its log: journalctl -u fairlead-link\n' "$said" >&2
        exit 1
    fi
    said=$(tail -n 1 <<<"$said")
    say online "${said%.}, $(awk -v a="$1" -v b="${EPOCHREALTIME:-$SECONDS}" 'BEGIN { printf "%.1f", b - a }') s after the start"
}

explain() {
    cat <<END

Installed: /usr/bin/fairlead-agent; units fairlead-link (user fairlead, talks to $controller)
           and fairlead-executor (root, runs only while there is work); user fairlead.
Yours:     /etc/fairlead/policy.yaml says what the agent may do here. /var/lib/fairlead holds its identity and the environments.
Look:      fairlead-agent status; journalctl -u fairlead-link -u fairlead-executor
Remove:    /usr/lib/fairlead/agent-remove (as root), or this script with --uninstall; environments stay.
END
}

uninstall() {
    [[ $EUID -eq 0 ]] || refuse "removing needs root." "Put sudo before bash."
    [[ ! -x /usr/lib/fairlead/agent-remove ]] || exec /usr/lib/fairlead/agent-remove
    echo "The Fairlead agent is not installed here."
}

main() {
    export LC_ALL=C
    local begun=${EPOCHREALTIME:-$SECONDS}
    token=${FAIRLEAD_TOKEN:-} name='' systemd='' distribution='' clock='' package=''
    unset FAIRLEAD_TOKEN
    while [[ $# -gt 0 ]]; do
        case $1 in
            --uninstall) uninstall; exit ;;
            --token) token=${2:-} ;;
            --pin) pin=${2:-} ;;
            --name) name=${2:-} ;;
            *) refuse "unknown option '$1'." "There are --token, --pin, --name and --uninstall." ;;
        esac
        [[ -n ${2:-} ]] || refuse "the option $1 has no value." "Copy the command from the console again, whole."
        shift 2
    done
    trap at_exit EXIT
    umask 022
    check_platform
    check_disk
    check_arguments
    work=$(mktemp -d)
    trust=()
    [[ -z $pin ]] || trust=(--insecure --pinnedpubkey "$pin")
    echo "Fairlead agent $version for $controller"
    fetch /agent/SHA256SUMS "$work/SHA256SUMS" -D "$work/headers"
    check_clock
    say checked "$distribution, x86_64, systemd $systemd, $clock"
    install_package
    enroll
    bring_online "$begun"
    explain
}

main "$@"
