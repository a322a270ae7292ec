#!/bin/sh
# Installs aitunnel {{.Version}}: downloads the archive for this system, verifies
# its SHA-256 checksum, and puts the program into PREFIX/bin. PREFIX is /usr/local for
# root, else ~/.local.
#
#   sh install.sh
#   PREFIX=/opt/aitunnel sh install.sh
#
# AITUNNEL_DOWNLOADS is another URL to download from than {{.URL}}.
set -eu

version={{.Version}}
url=${AITUNNEL_DOWNLOADS:-{{.URL}}}

fail() { echo "install.sh: $*" >&2; exit 1; }

case $(uname -s) in
Linux) os=linux ;;
Darwin) os=darwin ;;
*) fail "there is no aitunnel for $(uname -s): see https://github.com/aitunnel/aitunnel/releases" ;;
esac
case $(uname -m) in
x86_64 | amd64) arch=amd64 ;;
aarch64 | arm64) arch=arm64 ;;
*) fail "there is no aitunnel for $(uname -m): build it from the sources" ;;
esac
if [ -z "${PREFIX:-}" ]; then
  if [ "$(id -u)" = 0 ]; then PREFIX=/usr/local; else PREFIX=$HOME/.local; fi
fi

if command -v curl >/dev/null; then
  get() { curl -fsSL -o "$2" "$1"; }
elif command -v wget >/dev/null; then
  get() { wget -q -O "$2" "$1"; }
else
  fail "curl or wget is required"
fi
if command -v sha256sum >/dev/null; then
  sum() { sha256sum "$1" | cut -d' ' -f1; }
elif command -v shasum >/dev/null; then
  sum() { shasum -a 256 "$1" | cut -d' ' -f1; }
else
  fail "sha256sum or shasum is required to verify the download"
fi

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
name=aitunnel-$version-$os-$arch
get "$url/SHA256SUMS" "$dir/SHA256SUMS" || fail "$url/SHA256SUMS cannot be downloaded"
get "$url/$name.tar.gz" "$dir/$name.tar.gz" || fail "$url/$name.tar.gz cannot be downloaded"
want=$(sed -n "s/^\([0-9a-f]\{64\}\)  $name\.tar\.gz\$/\1/p" "$dir/SHA256SUMS")
got=$(sum "$dir/$name.tar.gz")
[ -n "$want" ] || fail "SHA256SUMS has no checksum of $name.tar.gz; nothing was installed"
[ "$want" = "$got" ] || fail "the checksum of $name.tar.gz is $got, not $want: the file is damaged or was changed; nothing was installed"

tar -xzf "$dir/$name.tar.gz" -C "$dir"
mkdir -p "$PREFIX/bin" "$PREFIX/share/man/man1"
install -m 0755 "$dir/$name/aitunnel" "$PREFIX/bin/aitunnel"
install -m 0644 "$dir/$name"/docs/man/*.1 "$PREFIX/share/man/man1/"
echo "Installed: $PREFIX/bin/aitunnel $version"
case :$PATH: in
*:"$PREFIX/bin":*) echo "Next: aitunnel init" ;;
*) echo "Next: add $PREFIX/bin to your PATH, then run aitunnel init" ;;
esac
