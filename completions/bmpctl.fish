# Completion of bmpctl for fish. Put this file as bmpctl.fish into /etc/fish/completions,
# ~/.config/fish/completions or /usr/share/fish/vendor_completions.d.

function __bmpctl_complete
    set -l current (commandline -ct)
    set -l found (COMPLETE=fish command bmpctl -- (commandline -opc) "$current" 2>/dev/null)
    if test "$found[1]" = \tfiles
        set -l option (string match -r '^--[^=]*=' -- $current)
        set -l paths (__fish_complete_path (string replace -r '^--[^=]*=' '' -- $current))
        printf "$option%s\n" $paths
    else
        printf '%s\n' $found
    end
end

complete -c bmpctl -e
complete -c bmpctl -f -k -a '(__bmpctl_complete)'
