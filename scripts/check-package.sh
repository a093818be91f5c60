#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# check-package.sh PACKAGE.deb: installs the package into a fresh Debian 12, compiles and trains a
# model there, and removes it again. Needs root, debootstrap, the network and 3 GB in $TMPDIR.
set -euo pipefail

package=${1:?usage: check-package.sh PACKAGE.deb}
mirror=${MIRROR:-http://deb.debian.org}
root=$(mktemp -d "${TMPDIR:-/tmp}/nanochat-package.XXXXXX")

finish() {
  umount "$root/proc" 2>/dev/null || true
  rm -rf --one-file-system "$root"
}
trap finish EXIT
chmod 755 "$root" # apt reads the package as a user of its own

inside() {
  env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
    chroot "$root" "$@"
}

debootstrap --variant=minbase bookworm "$root" "$mirror/debian"
cat >"$root/etc/apt/sources.list" <<END
deb $mirror/debian bookworm main
deb $mirror/debian bookworm-updates main
deb $mirror/debian-security bookworm-security main
END
mount -t proc proc "$root/proc"
cp "$package" "$root/tmp/nanochat.deb"
inside apt-get update -q
inside apt-get install -y -q -o Dpkg::Use-Pty=0 --no-install-recommends /tmp/nanochat.deb

inside nanochat-opt doctor
inside nanochat-opt /usr/share/nanochat/models/copy-tiny.mlir --target=native --emit=exe -o /tmp/copy-tiny
inside /tmp/copy-tiny train --copy-task --steps 2

files=$(inside dpkg -L nanochat)
inside apt-get purge -y -q -o Dpkg::Use-Pty=0 nanochat
while read -r file; do
  [[ ! -f $root$file ]] || { echo "left behind: $file" >&2; exit 1; }
done <<<"$files"
echo "installed, compiled, trained, removed: $package"
