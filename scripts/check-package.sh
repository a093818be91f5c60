#!/usr/bin/env bash
# check-package.sh PACKAGE.deb: installs the package into a fresh Debian 12, compiles and trains a
# model there, and removes it again. Needs root, debootstrap, 3 GB in $TMPDIR, and a Debian 12 whose
# apt sources, mirror and proxy it takes.
set -euo pipefail

package=${1:?usage: check-package.sh PACKAGE.deb}
sources=$(apt-get indextargets --format 'deb $(REPO_URI) $(CODENAME) $(COMPONENT)' | grep ' bookworm' | sort -u)
mirror=$(sed -n 's/^deb \(.*\) bookworm main$/\1/p;T;q' <<<"$sources")
[[ $mirror ]] || { echo "apt knows no bookworm main: run apt-get update on Debian 12" >&2; exit 1; }
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

debootstrap --variant=minbase bookworm "$root" "$mirror"
echo "$sources" >"$root/etc/apt/sources.list"
apt-config dump Acquire::http Acquire::https >"$root/etc/apt/apt.conf.d/90machine"
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
