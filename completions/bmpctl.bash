# Completion of bmpctl for bash. Put this file as bmpctl into /usr/share/bash-completion/completions or
# ~/.local/share/bash-completion/completions, or source it; bash-completion is not needed for that.

_bmpctl() {
    local -a found
    mapfile -t found < <(COMPLETE=bash command bmpctl -- "$COMP_TYPE" "$COMP_WORDBREAKS" \
        "${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
    if [[ "${found[0]-}" == $'\tfiles' ]]; then
        compopt -o default
        found=()
    fi
    COMPREPLY=("${found[@]}")
}

complete -o nosort -F _bmpctl bmpctl
