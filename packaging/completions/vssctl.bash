# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of vssctl(1) for bash.
_vssctl() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command="" word i
  local commands="create run list show delete monitor status gc"
  local common="--json --quiet --host --help"
  local request="--volume --context --persistent --writer --exclude-writer --require --provider --lenient --lock-timeout"

  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if [[ $word == -- && $command == run ]]; then
      # What follows is the command's own line.
      _command_offset $((i + 1)) 2>/dev/null
      return
    fi
    [[ -z $command && " $commands " == *" $word "* ]] && command=$word
  done

  case $prev in
    -v | --volume | --oldest) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); compopt -o filenames; return ;;
    --context) mapfile -t COMPREPLY < <(compgen -W "backup file-share-backup nas-rollback app-rollback" -- "$cur"); return ;;
    --require) mapfile -t COMPREPLY < <(compgen -W "cut per-volume" -- "$cur"); return ;;
    -H | --host) mapfile -t COMPREPLY < <(compgen -A hostname -- "$cur"); return ;;
    --writer | --exclude-writer | --provider | --lock-timeout | --set | --snapshot) return ;;
  esac

  local words
  case $command in
    "") words="$commands $common --version" ;;
    create) words="$request $common" ;;
    run) words="$request --shutdown-on-error -- $common" ;;
    list) words="writers providers volumes snapshots $common" ;;
    delete) words="--set --snapshot --oldest --all --force --yes $common" ;;
    *) words=$common ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -F _vssctl vssctl
