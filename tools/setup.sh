#!/usr/bin/env bash
# Installs what the tests need and this machine lacks: PostgreSQL's programs (the tests start a server of their own, as
# an unprivileged user, on a socket in a temporary folder, and stop it), a browser, and the peers with which the channels
# of messages are tested. Debian's own cluster is neither made nor started. Does nothing when all is there.
set -euo pipefail

# What a test looks for, and the Debian package that has it: a program, or a file when it begins with a slash.
peers=(
  /usr/bin/python3=python3
  /usr/lib/python3/dist-packages/aiosmtpd=python3-aiosmtpd
  /usr/lib/python3/dist-packages/dkim=python3-dkim
  /usr/lib/python3/dist-packages/nacl=python3-nacl
  /usr/lib/dovecot/imap=dovecot-imapd
  /usr/share/perl5/Net/SMPP.pm=libnet-smpp-perl # a message centre of texts
  python3=python3                               # a gateway that takes signed requests
  sipp=sip-tester
  baresip=baresip-core
  espeak-ng=espeak-ng
  pdftotext=poppler-utils
  qpdf=qpdf
  sshd=openssh-server
)

missing=()
for peer in ${peers[@]+"${peers[@]}"}; do
  what=${peer%%=*}
  case $what in
  /*) [ -e "$what" ] || missing+=("${peer#*=}") ;;
  *) command -v "$what" >/dev/null || [ -x "/usr/sbin/$what" ] || missing+=("${peer#*=}") ;;
  esac
done
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || missing+=(postgresql)
command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || missing+=(chromium)
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "The tests need ${missing[*]}, and neither are you root nor is there sudo: install them and try again." >&2
    exit 1
  fi
  as_root=(sudo)
fi
if ! command -v apt-get >/dev/null; then
  echo "The tests need ${missing[*]}; this script knows only Debian's way of installing them." >&2
  exit 1
fi

echo "Installing what the tests need: ${missing[*]}"
apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" </dev/null
}
apt update

packages=()
for want in "${missing[@]}"; do
  case $want in
  postgresql)
    # Version 15 is what we measure with; on a Debian that has another, the newest.
    package=postgresql-15
    if ! apt-cache show "$package" >/dev/null 2>&1; then
      package=$(apt-cache search --names-only '^postgresql-[0-9]+$' | cut -d' ' -f1 | sort -t- -k2 -n | tail -n 1)
    fi
    if [ -z "$package" ]; then
      echo "No PostgreSQL package is to be had; install PostgreSQL 15 or newer and try again." >&2
      exit 1
    fi
    packages+=("$package")
    # Debian makes and starts a cluster when the package comes, unless it is told not to.
    "${as_root[@]}" mkdir -p /etc/postgresql-common/createcluster.d
    echo 'create_main_cluster = false' | "${as_root[@]}" tee /etc/postgresql-common/createcluster.d/ringfence.conf >/dev/null
    ;;
  *) packages+=("$want") ;;
  esac
done
# What comes is started by the tests alone: no service begins now or with the machine.
if [ ! -e /usr/sbin/policy-rc.d ]; then
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee /usr/sbin/policy-rc.d >/dev/null
  "${as_root[@]}" chmod 755 /usr/sbin/policy-rc.d
  trap '"${as_root[@]}" rm -f /usr/sbin/policy-rc.d' EXIT
fi
apt install -y --no-install-recommends "${packages[@]}"
for package in "${packages[@]}"; do
  case $package in
  openssh-server) service=ssh ;;
  dovecot-imapd) service=dovecot ;;
  *) continue ;;
  esac
  if command -v systemctl >/dev/null; then
    "${as_root[@]}" systemctl disable "$service" >/dev/null 2>&1 || true
  fi
done
