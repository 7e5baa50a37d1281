# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of vssctl(1) for bash.
_vssctl() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command="" word i
  local commands="create run restore script list show delete expose unexpose reset-writer break revert revert-status resize-storage monitor status gc"
  local common="--json --quiet --host --help"
  local request="--volume --context --persistent --writer --exclude-writer --require --no-auto-recovery --provider --lenient --lock-timeout --component --backup-type --backup-options --previous-stamp --partial-files --document"
  local restore="--document --component --writer --exclude-writer --into --new-target --option --authoritative --additional --type --lenient --plan"
  local contexts="backup file-share-backup nas-rollback app-rollback client-accessible client-accessible-writers"

  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if [[ $word == -- && ( $command == run || $command == restore ) ]]; then
      # What follows is the command's own line.
      _command_offset $((i + 1)) 2>/dev/null
      return
    fi
    [[ -z $command && " $commands " == *" $word "* ]] && command=$word
  done

  case $prev in
    -v | --volume | --oldest | --document) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); compopt -o filenames; return ;;
    --context) mapfile -t COMPREPLY < <(compgen -W "$contexts" -- "$cur"); return ;;
    --backup-type) mapfile -t COMPREPLY < <(compgen -W "full incremental differential log copy other" -- "$cur"); return ;;
    --type) mapfile -t COMPREPLY < <(compgen -W "by-copy import other" -- "$cur"); return ;;
    --require) mapfile -t COMPREPLY < <(compgen -W "cut per-volume" -- "$cur"); return ;;
    -H | --host) mapfile -t COMPREPLY < <(compgen -A hostname -- "$cur"); return ;;
    --component | --backup-options | --previous-stamp | --into | --new-target | --option | --additional) return ;;
    --writer | --exclude-writer | --provider | --lock-timeout | --set | --snapshot) return ;;
  esac

  local words
  case $command in
    "") words="$commands $common --version" ;;
    create) words="$request $common" ;;
    restore) words="$restore -- $common" ;;
    script)
      mapfile -t COMPREPLY < <(compgen -f -- "$cur"; compgen -W "--check $common" -- "$cur")
      compopt -o filenames
      return ;;
    run) words="$request --in-place --shutdown-on-error -- $common" ;;
    list) words="writers failures providers volumes snapshots storage $common" ;;
    break) words="--writable $common" ;;
    revert) words="--force --yes $common" ;;
    revert-status | resize-storage)
      mapfile -t COMPREPLY < <(compgen -f -- "$cur"; compgen -W "none $common" -- "$cur")
      compopt -o filenames
      return ;;
    delete) words="--set --snapshot --oldest --all --force --yes $common" ;;
    expose)  # the id, then a directory
      if [[ $cur != -* && $prev != expose ]]; then
        mapfile -t COMPREPLY < <(compgen -d -- "$cur"); compopt -o filenames; return
      fi
      words=$common ;;
    *) words=$common ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -F _vssctl vssctl
