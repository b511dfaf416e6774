#!/bin/sh
# Builds ssmguard and installs it. Safe to run again: it replaces what it installed.
set -eu

usage() {
	cat <<'END'
usage: ./install.sh [--as-plugin | --uninstall]

Builds ssmguard with Go and installs it as $PREFIX/bin/ssmguard, with its man page
and what makes bash, zsh and fish complete its command lines, under $PREFIX/share.
PREFIX is ~/.local unless set.

  --as-plugin   also install it as session-manager-plugin, for the stock AWS CLI
  --uninstall   remove what this script installed
END
}

say() { echo "install.sh: $*" >&2; }
fail() {
	say "$@"
	exit 1
}

as_plugin=no
uninstall=no
for arg; do
	case $arg in
	--as-plugin) as_plugin=yes ;;
	--uninstall) uninstall=yes ;;
	-h | --help)
		usage
		exit 0
		;;
	*)
		usage >&2
		exit 2
		;;
	esac
done

if [ -z "${PREFIX:-}" ]; then
	[ -n "${HOME:-}" ] || fail "neither PREFIX nor HOME is set"
	PREFIX=$HOME/.local
fi
case $PREFIX in
/*) ;;
*) PREFIX=$PWD/$PREFIX ;;
esac
bin=$PREFIX/bin
program=$bin/ssmguard
plugin=$bin/session-manager-plugin
man=$PREFIX/share/man/man1/ssmguard.1
bash_completion=$PREFIX/share/bash-completion/completions/ssmguard
zsh_completion=$PREFIX/share/zsh/site-functions/_ssmguard
fish_completion=$PREFIX/share/fish/vendor_completions.d/ssmguard.fish

# ours is true when the plugin's name is free or a link to ssmguard.
ours() {
	if [ -L "$plugin" ]; then
		[ "$(readlink "$plugin")" = ssmguard ]
	else
		[ ! -e "$plugin" ]
	fi
}

if [ $uninstall = yes ]; then
	if [ -L "$plugin" ] && ours; then
		rm -f "$plugin"
	fi
	rm -f "$program" "$man" "$bash_completion" "$zsh_completion" "$fish_completion"
	say "removed $program"
	exit 0
fi

command -v go >/dev/null 2>&1 || fail "Go is not installed; get it from https://go.dev/dl/"
if [ $as_plugin = yes ] && ! ours; then
	fail "$plugin is another program; remove it or choose another PREFIX"
fi

# Nobody else writes what is made here, whatever the umask.
umask "$(printf '%04o' "$(($(umask) | 022))")"
cd "$(dirname "$0")"
mkdir -p "$bin"
new=$(mktemp "$bin/.ssmguard.XXXXXX")
page=
trap 'rm -f "$new" ${page:+"$page"}' EXIT
trap 'exit 1' HUP INT TERM
# Without a repository that git reads, as in a tarball or another user's clone, the
# version names no commit.
stamp=auto
git rev-parse HEAD >/dev/null 2>&1 || stamp=false
say "building; the first time that takes a few minutes"
# No symbol table, no paths of this machine, none of urfave/cli's writers of manuals, no
# HTTP/2 (every AWS endpoint speaks HTTP/1.1, too), and the same program whether or not
# there is a C compiler: names are looked up by Go itself.
CGO_ENABLED=0 go build -buildvcs=$stamp -trimpath -ldflags "-s -w" -tags urfave_cli_no_docs,nethttpomithttp2 -o "$new" ./cmd/ssmguard
chmod 755 "$new"
mv -f "$new" "$program"
say "installed $program"

# document writes what ssmguard prints to a file, whole or not at all.
document() {
	file=$1
	shift
	mkdir -p "$(dirname "$file")"
	page=$(mktemp "$file.XXXXXX")
	"$program" "$@" >"$page"
	chmod 644 "$page"
	mv -f "$page" "$file"
	page=
}
document "$man" help --man
document "$bash_completion" completion bash
document "$zsh_completion" completion zsh
document "$fish_completion" completion fish
say "installed its man page and completions under $PREFIX/share; zsh finds its own with fpath+=($PREFIX/share/zsh/site-functions) before compinit"
if [ $as_plugin = yes ]; then
	ln -sf ssmguard "$plugin"
	say "installed $plugin"
fi
case ":$PATH:" in
*":$bin:"*) ;;
*) say "add it to your PATH: export PATH=\"$bin:\$PATH\"" ;;
esac
