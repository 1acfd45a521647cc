#!/usr/bin/env bash
# Tries the package like a user who has just installed it: packaging/try.sh PACKAGE RECORDING FOLDER
#
# Makes a minimal Debian of this machine's release from this machine's package sources, and installs only the package and
# its dependencies there. An ordinary user opens RECORDING in the window, waits for the transcript, plays and exports it,
# and does the rest on the command line. Screenshots and exports are written to FOLDER.
#
# Needs root, debootstrap, Xvfb, xdotool, WebKitWebDriver, curl and ImageMagick. These stay outside of the minimal system,
# so that a missing dependency of the package is noticed.
set -euo pipefail

if [[ $(id -u) -ne 0 ]]; then
    echo "error: making a system of its own needs root" >&2
    exit 1
fi
# In its own mount namespace: all mounts below disappear with it, however this script ends.
if [[ ${MEETMEMO_TRIAL:-} != inside ]]; then
    MEETMEMO_TRIAL=inside exec unshare --mount --propagation private "$0" "$@"
fi

package=$(realpath "$1")
recording=$(realpath "$2")
mkdir -p "$3"
pictures=$(realpath "$3")

# Not in the checkout, so that the package finds no file of it by accident.
work=$(mktemp -d /var/tmp/meetmemo-trial.XXXXXX)
root=$work/system
started=()
end() {
    local status=$?
    trap - EXIT
    for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
    # Processes that still run in there, such as the database for a few seconds.
    local left process
    for left in 1 2 3; do
        for process in /proc/[0-9]*; do
            if [[ $(readlink "$process/root" 2>/dev/null) == "$root" ]]; then kill -9 "${process#/proc/}" 2>/dev/null || true; fi
        done
        sleep 0.2
    done
    umount --recursive --lazy "$root" 2>/dev/null || true
    rm -rf --one-file-system "$work"
    exit "$status"
}
trap end EXIT

say() { printf '\n== %s\n' "$*"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

say "a bare system"
# shellcheck source=/dev/null
release=$(. /etc/os-release && echo "$VERSION_CODENAME")
mirror=$(apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Created-By: Packages' |
    sed -n "s/^$release //p" | head -n 1)
debootstrap --variant=minbase "$release" "$root" "$mirror" >"$work/debootstrap.log" 2>&1 ||
    { tail -n 20 "$work/debootstrap.log" >&2; fail "the system could not be made"; }
# A mount of its own, so that everything below it can be unmounted at once.
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/dev/shm"
mkdir -p "$root/tmp/.X11-unix"
mount --bind /tmp/.X11-unix "$root/tmp/.X11-unix" 2>/dev/null || true

say "the package"
# This machine's apt with this machine's sources, working on the minimal system.
inside_apt() {
    DEBIAN_FRONTEND=noninteractive apt-get --yes --quiet=2 \
        -o Dir::State="$root/var/lib/apt" -o Dir::State::status="$root/var/lib/dpkg/status" \
        -o Dir::Cache="$root/var/cache/apt" -o Dir::Log="$root/var/log/apt" \
        -o DPkg::Chroot-Directory="$root" -o APT::Sandbox::User=root -o DPkg::Use-Pty=false \
        "$@"
}
# Packages must not start services in there.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod +x "$root/usr/sbin/policy-rc.d"
inside_apt update >/dev/null 2>"$work/update.log" || { cat "$work/update.log" >&2; fail "the list of packages could not be fetched"; }
cp "$package" "$root/tmp/meetmemo.deb"
inside_apt install --no-install-recommends "$root/tmp/meetmemo.deb" >"$work/install.log" 2>&1 ||
    { tail -n 20 "$work/install.log" >&2; fail "the package could not be installed"; }
name=$(dpkg-deb --field "$package" Package)
chroot "$root" dpkg-query --show --showformat '${Package} ${Version} ${db:Status-Status}\n' "$name"
chroot "$root" /bin/sh -c 'ldd /usr/bin/meetmemo /usr/bin/meetmemo-desktop /usr/lib/MeetMemo/resources/postgres/bin/*' |
    { ! grep 'not found'; } || fail "a library is missing"

say "an ordinary user"
chroot "$root" useradd --create-home anna
home=/home/anna
chroot "$root" install -d -o anna -g anna -m 700 /run/anna
extension=${recording##*.}
chroot "$root" install -d -o anna -g anna "$home/Documents"
cp "$recording" "$root$home/Documents/Weekly call.$extension"
chmod 644 "$root$home/Documents/Weekly call.$extension"
as_anna=(chroot --userspec=anna:anna "$root" /usr/bin/env --ignore-environment --chdir="$home"
    HOME="$home" USER=anna PATH=/usr/bin:/bin LANG=C.UTF-8 XDG_RUNTIME_DIR=/run/anna)
"${as_anna[@]}" meetmemo --version
# Shows what is missing, such as ffmpeg, which is only recommended.
"${as_anna[@]}" meetmemo doctor || true

say "the window"
exec {display_number}< <(exec Xvfb -displayfd 1 -nolisten tcp -screen 0 1280x860x24 2>"$work/xvfb.log")
started+=($!)
read -r -t 20 -u "$display_number" number || fail "there is no screen"
export DISPLAY=:$number
# The driver outside starts the program inside the minimal system.
{
    echo '#!/bin/sh'
    printf 'exec'
    printf ' %q' "${as_anna[@]}" DISPLAY="$DISPLAY" TAURI_AUTOMATION=true TAURI_WEBVIEW_AUTOMATION=true \
        WEBKIT_DISABLE_DMABUF_RENDERER=1 GDK_BACKEND=x11 NO_AT_BRIDGE=1
    echo ' WEBKIT_INSPECTOR_SERVER="$WEBKIT_INSPECTOR_SERVER" meetmemo-desktop "$@"'
} >"$work/window"
chmod +x "$work/window"
port=$((20000 + RANDOM % 20000))
WebKitWebDriver --host=127.0.0.1 --port="$port" >"$work/driver.log" 2>&1 &
started+=($!)

# ask METHOD PATH [BODY]: a request to the driver.
ask() {
    curl --silent --show-error --max-time 120 --request "$1" --header 'Content-Type: application/json' \
        ${3:+--data "$3"} "http://127.0.0.1:$port$2"
}
# until_true SECONDS WHAT COMMAND…: waits for a condition.
until_true() {
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@"; do
        if ((SECONDS > end)); then
            picture failed
            fail "this did not come about: $what"
        fi
        sleep 0.3
    done
}
picture() { import -window root "$pictures/$1.png" || true; }

ready() { ask GET /status 2>/dev/null | grep -q '"ready"'; }
until_true 20 "the driver answers" ready
session=$(ask POST /session '{"capabilities":{"alwaysMatch":{"webkitgtk:browserOptions":{"binary":"'"$work/window"'","args":["'"$home/Documents/Weekly call.$extension"'"]}}}}' |
    sed -nE 's/.*"sessionId":"([^"]+)".*/\1/p')
[[ -n $session ]] || { cat "$work/driver.log" >&2; fail "the window did not open"; }

# script TEXT: runs a script in the page. The result follows "value".
script() { ask POST "/session/$session/execute/sync" '{"script":"'"$1"'","args":[]}'; }
shows() { script 'return document.body.innerText.includes(`'"$1"'`)' | grep -q '"value":true'; }
holds() { script "return $1" | grep -q '"value":true'; }
# click XPATH: a real click, so that the page is allowed to play audio.
click() {
    local element
    element=$(ask POST "/session/$session/element" '{"using":"xpath","value":"'"$1"'"}' |
        sed -nE 's/.*"element-[^"]*":"([^"]+)".*/\1/p')
    [[ -n $element ]] && ask POST "/session/$session/element/$element/click" '{}' | grep -q '"value":null'
}
button() { click "//*[self::button or @role='menuitem' or @role='option'][normalize-space(.)='$1' or @aria-label='$1']"; }

# The desktop uses this name to match the window with its menu entry.
class=$(sed -n 's/^StartupWMClass=//p' "$root/usr/share/applications/MeetMemo.desktop")
of_the_entry() { xdotool search --onlyvisible --classname "^$class\$" >/dev/null 2>&1; }
until_true 30 "the window is that of the menu entry" of_the_entry
until_true 60 "the recording is in the list" shows 'Weekly call'
picture 1-opened
completed() { "${as_anna[@]}" meetmemo --json list | grep -q '"status": *"completed"'; }
until_true 600 "the transcript is complete" completed
# Opens the meeting if it was not opened automatically.
holds '!!document.querySelector(`.line`)' ||
    until_true 30 "the meeting opens" click "//*[self::button or self::a or @role='option' or @role='button'][contains(., 'Weekly call')]"
until_true 60 "the transcript is shown" holds '!!document.querySelector(`.line`)'
picture 2-transcript

script 'const play = HTMLMediaElement.prototype.play; HTMLMediaElement.prototype.play = function () { window.heard = this; return play.call(this) }' >/dev/null
until_true 30 "Play can be clicked" button Play
until_true 60 "it plays" holds '!!window.heard && window.heard.currentTime > 2'
picture 3-playing
button Pause || true

until_true 30 "Export can be clicked" button Export
until_true 30 "PDF can be chosen" button 'PDF document'
dialog() { xdotool search --onlyvisible --name 'Save the transcript' >/dev/null 2>&1; }
until_true 30 "the system's dialog is shown" dialog
xdotool search --onlyvisible --name 'Save the transcript' windowfocus --sync
sleep 1
picture 4-dialog
xdotool key ctrl+a
xdotool type --delay 20 "$home/Documents/from the window.pdf"
sleep 0.5
xdotool key Return
until_true 60 "the PDF is written" test -s "$root$home/Documents/from the window.pdf"
until_true 30 "the window says so" shows 'Show in folder'
picture 5-exported
ask DELETE "/session/$session" >/dev/null || true

say "the command line"
job=$("${as_anna[@]}" meetmemo --json list | sed -nE 's/.*"id": *"([^"]+)".*/\1/p' | head -n 1)
"${as_anna[@]}" meetmemo list
"${as_anna[@]}" meetmemo show "$job" | head -n 12
for kind in markdown pdf; do
    "${as_anna[@]}" meetmemo export "$job" --type "${kind}_transcript" --output "$home/Documents/"
done
cp "$root$home/Documents/"*.pdf "$root$home/Documents/"*.md "$pictures/"
for pdf in "$pictures/"*.pdf; do
    [[ $(head -c 5 "$pdf") == %PDF- ]] || fail "$pdf is no PDF"
done

say "and gone again"
chroot "$root" dpkg --purge "$name" >/dev/null
left=$(find "$root/usr/lib/MeetMemo" "$root/usr/bin/meetmemo" "$root/usr/bin/meetmemo-desktop" 2>/dev/null || true)
[[ -z $left ]] || fail "the package leaves behind: $left"
[[ -d $root$home/.local/share/meetmemo/library ]] || fail "the archive of the user went with the package"
ls -l "$pictures"
