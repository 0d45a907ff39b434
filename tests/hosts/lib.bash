# Shared by the scripts of this folder.
# shellcheck shell=bash

cache=${FAIRLEAD_CACHE:-/var/cache/fairlead}
state=${FAIRLEAD_HOSTS:-/var/lib/fairlead-tests/hosts}

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { say "$*"; exit 1; }
need_root() { [[ $EUID -eq 0 ]] || die "run as root: this makes and boots whole systems"; }

# The mirror that this machine's apt takes Debian from; no name of one is written down anywhere here.
debian_mirror() {
    local uri
    apt_targets | grep -q . || apt-get -q update >&2
    uri=$(apt_targets 'Origin: Debian' 'Label: Debian' | sed -n 1p)
    [[ -n $uri ]] || die "apt on this machine knows no Debian mirror"
    echo "$uri"
}
apt_targets() { apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "$@"; }

# Commits the folder $1 as the branch $2 with the subject $3 to the bare repository $4. Author and times are
# fixed, so that the same content has the same id everywhere; a later commit is a minute later.
publish() {
    local tree=$1 branch=$2 subject=$3 repository=$4 parent count
    [[ -f $repository/HEAD ]] || git init -q --bare -b "$branch" "$repository"
    git -C "$repository" config uploadpack.allowFilter true
    git -C "$repository" config uploadpack.allowAnySHA1InWant true
    parent=$(git -C "$repository" rev-parse -q --verify "refs/heads/$branch") || parent=
    count=$(git -C "$repository" rev-list --all --count)
    GIT_INDEX_FILE=$(mktemp -u "$repository/index.XXXXXX")
    export GIT_INDEX_FILE
    git --git-dir="$repository" --work-tree="$tree" add -A -f .
    GIT_AUTHOR_NAME=Tests GIT_AUTHOR_EMAIL=tests@fairlead.test GIT_COMMITTER_NAME=Tests \
        GIT_COMMITTER_EMAIL=tests@fairlead.test GIT_AUTHOR_DATE="@$((1750000000 + count * 60)) +0000" \
        GIT_COMMITTER_DATE="@$((1750000000 + count * 60)) +0000" \
        git -C "$repository" commit-tree ${parent:+-p "$parent"} -m "$subject" \
        "$(git -C "$repository" write-tree)" >"$repository/new-commit"
    git -C "$repository" update-ref "refs/heads/$branch" "$(<"$repository/new-commit")"
    rm -f "$GIT_INDEX_FILE" "$repository/new-commit"
    unset GIT_INDEX_FILE
}
