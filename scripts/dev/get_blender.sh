#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
# A newer Blender than the system's, from Debian's packages, without installing anything: for developers on Debian and
# Ubuntu (x86_64) who want the add-on tried in several versions. Everybody else downloads Blender from blender.org.
#
#   scripts/dev/get_blender.sh get SUITE FOLDER       unpacks Blender and all libraries it needs (about 1.2 GB)
#   scripts/dev/get_blender.sh run FOLDER ARGUMENTS   runs it with its own loader and libraries
#
# SUITE is a Debian suite: trixie has Blender 4.3, sid 5.2 LTS at the time of writing. Packages and their lists come from
# the mirror that apt is configured for; their signatures are checked against the system's Debian keyring.
set -euo pipefail

usage() {
    sed -n '7,8s/^# *//p' "${BASH_SOURCE[0]}" >&2
    exit 2
}

get() {
    local suite=$1 folder mirror state
    folder=$(realpath -m "$2")
    state=$folder/.apt
    mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | grep -E '/debian/?$' | head -n 1 || true)
    if [[ -z $mirror ]]; then
        echo "apt is configured for no Debian mirror, so there is nowhere to fetch Blender's packages from." >&2
        exit 1
    fi
    mkdir -p "$state"/{lists/partial,archives/partial,etc}
    : >"$state/status"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$state/sources.list"
    # Lists, state and downloads of our own: apt believes that nothing is installed, and the system is not touched.
    local options=(
        -qq
        -o "Dir::Etc::SourceList=$state/sources.list" -o Dir::Etc::SourceParts=/dev/null
        -o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null
        -o "Dir::State::Lists=$state/lists" -o "Dir::State::Status=$state/status"
        -o "Dir::Cache=$state" -o "Dir::Cache::Archives=$state/archives"
        -o Acquire::Check-Valid-Until=false -o APT::Install-Recommends=false
        -o Debug::NoLocking=1 -o "APT::Sandbox::User=$(id -un)"
    )
    # What Blender's packages only recommend: Python's packages that its own add-ons import, and software OpenGL.
    local packages=(
        blender python3-numpy python3-requests python3-zstandard
        libgl1 libegl1 libgl1-mesa-dri libopenblas0-pthread
    )
    apt-get "${options[@]}" update
    if apt-cache "${options[@]}" show python3-cattr >/dev/null 2>&1; then
        packages+=(python3-cattr)
    fi
    apt-get "${options[@]}" -y --download-only install "${packages[@]}" >/dev/null
    mkdir -p "$folder"/usr/{bin,lib,lib64,sbin}
    for name in bin lib lib64 sbin; do
        [[ -e $folder/$name ]] || ln -s "usr/$name" "$folder/$name"
    done
    for package in "$state"/archives/*.deb; do
        # Device nodes and owners, which only root could set, are not needed.
        dpkg-deb --fsys-tarfile "$package" | tar -x -C "$folder" --keep-directory-symlink --no-same-owner 2>/dev/null || true
    done
    rm -rf "$state/archives" "$state/lists"
    run "$folder" --version | head -n 1
}

run() {
    local folder libraries path python
    folder=$(realpath "$1")
    shift
    libraries=$folder/usr/lib/x86_64-linux-gnu
    path=$libraries:$libraries/openblas-pthread:$libraries/blas:$libraries/lapack:$libraries/pulseaudio:$folder/usr/lib
    local loader=$folder/lib64/ld-linux-x86-64.so.2
    # Blender's own tools start the Python that stands first in PATH: it has to be Blender's.
    python=$(basename "$(find "$folder/usr/bin" -regex '.*/python3\.[0-9]+' | head -n 1)")
    if [[ ! -x $folder/.bin/$python ]]; then
        mkdir -p "$folder/.bin"
        printf '#!/bin/sh\nexport PYTHONHOME=%s\nexec %s --library-path %s %s "$@"\n' \
            "$folder/usr" "$loader" "$path" "$folder/usr/bin/$python" >"$folder/.bin/$python"
        chmod +x "$folder/.bin/$python"
        ln -sf "$python" "$folder/.bin/python3"
        ln -sf "$python" "$folder/.bin/python"
    fi
    export PATH=$folder/.bin:$PATH PYTHONHOME=$folder/usr PYTHONNOUSERSITE=1
    export BLENDER_SYSTEM_RESOURCES=$folder/usr/share/blender
    export LIBGL_DRIVERS_PATH=$libraries/dri GBM_BACKENDS_PATH=$libraries/gbm
    export __EGL_VENDOR_LIBRARY_DIRS=$folder/usr/share/glvnd/egl_vendor.d
    exec "$loader" --library-path "$path" "$folder/usr/bin/blender" --python-use-system-env "$@"
}

[[ $# -ge 2 ]] || usage
command=$1
shift
case $command in
get) [[ $# -eq 2 ]] || usage; get "$@" ;;
run) run "$@" ;;
*) usage ;;
esac
