#!/bin/sh
# Sets up .venv for this checkout; needs Python 3.11 or later and nothing else. A second run is instant.
#
#   deploy/dev/setup.sh runtime    what `make demo` needs
#   deploy/dev/setup.sh dev        and what tests and checks need
#
# Packages are exactly those of the lock file, each checked against its hash. PYTHON names another interpreter.
set -eu
cd "$(dirname "$0")/../.."

say() { printf 'set-up: %s\n' "$1" >&2; }
die() {
    say "$1"
    exit 1
}

wanted=${1:-runtime}
case $wanted in runtime | dev) ;; *) die "usage: $0 [runtime|dev]" ;; esac
venv=.venv
stamp=$venv/ecluse-setup
# What is set up for development stays so: `make demo` after `make test` must not take the tools away.
if [ -f "$stamp" ] && grep -q '^dev ' "$stamp"; then wanted=dev; fi
if [ "$wanted" = dev ]; then lock=requirements-dev.lock; else lock=requirements.lock; fi
state="$wanted $(cat "$lock" pyproject.toml deploy/dev/setup.sh deploy/dev/uv.lock | cksum) $PWD"

if [ -x $venv/bin/python ] && [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$state" ]; then exit 0; fi

new_enough='import sys; sys.exit(sys.version_info < (3, 11))'
find_python() {
    for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        if command -v "$candidate" >/dev/null 2>&1 && "$candidate" -c "$new_enough" 2>/dev/null; then
            printf '%s\n' "$candidate"
            return
        fi
    done
}

usable() { $venv/bin/python -c "$new_enough" 2>/dev/null && $venv/bin/python -m pip --version >/dev/null 2>&1; }

if ! usable; then
    python=$(find_python)
    [ -n "$python" ] || die "Python 3.11 or later is needed and was not found (on Debian: apt-get install python3)"
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        die "Python is here without its venv module; run: apt-get install python3-venv"
    say "1/3 making $venv with $("$python" --version)"
    "$python" -m venv --clear $venv || die "could not make $venv; on Debian run: apt-get install python3-venv"
else
    say "1/3 keeping $venv"
fi
rm -f "$stamp"

python=$PWD/$venv/bin/python
say "2/3 installing the packages of $lock"
export PIP_DISABLE_PIP_VERSION_CHECK=1
index=$("$python" -m pip config get global.index-url 2>/dev/null || :)
if "$python" -m pip install --quiet --require-hashes -r deploy/dev/uv.lock &&
    UV_DEFAULT_INDEX=${UV_DEFAULT_INDEX:-$index} \
        "$python" -m uv pip sync --quiet --require-hashes --python "$python" "$lock"; then
    :
else
    say "uv could not do it; trying pip, which is slower"
    "$python" -m pip install --quiet --require-hashes -r "$lock" || die "the packages could not be installed"
fi

say "3/3 putting this checkout on its path"
"$python" - <<'EOF'
import pathlib, sysconfig
pathlib.Path(sysconfig.get_path("purelib"), "ecluse-checkout.pth").write_text(f"{pathlib.Path.cwd()}\n")
command = pathlib.Path(sysconfig.get_path("scripts"), "ecluse")
command.write_text('#!/bin/sh\nexec "$(dirname "$0")/python" -m ecluse "$@"\n')
command.chmod(0o755)
EOF
printf '%s\n' "$state" >"$stamp"
say "done"
