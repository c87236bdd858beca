# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_bmpctl_global_optspecs
    string join \n socket= h/help V/version
end

function __fish_bmpctl_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_bmpctl_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_bmpctl_using_subcommand
    set -l cmd (__fish_bmpctl_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c bmpctl -n "__fish_bmpctl_needs_command" -l socket -d 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]' -r -F
complete -c bmpctl -n "__fish_bmpctl_needs_command" -s h -l help -d 'Print help'
complete -c bmpctl -n "__fish_bmpctl_needs_command" -s V -l version -d 'Print version'
complete -c bmpctl -n "__fish_bmpctl_needs_command" -f -a "reset" -d 'Reset BMP sessions'
complete -c bmpctl -n "__fish_bmpctl_needs_command" -f -a "reload" -d 'Apply the configuration file: what is new begins, what is gone ends'
complete -c bmpctl -n "__fish_bmpctl_needs_command" -f -a "show" -d 'Show sessions and neighbors'
complete -c bmpctl -n "__fish_bmpctl_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reset; and not __fish_seen_subcommand_from session bmp help" -l socket -d 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]' -r -F
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reset; and not __fish_seen_subcommand_from session bmp help" -s h -l help -d 'Print help'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reset; and not __fish_seen_subcommand_from session bmp help" -f -a "session" -d 'Reset BMP sessions: apply the configured parameters, connect again, send everything again'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reset; and not __fish_seen_subcommand_from session bmp help" -f -a "bmp" -d 'The same in the grammar of the router\'s manual'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reset; and not __fish_seen_subcommand_from session bmp help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reset; and __fish_seen_subcommand_from session" -l vpn-instance -d 'The VPN instance [default: the public one for an address, every one for `all`]' -r
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reset; and __fish_seen_subcommand_from session" -l alias -d 'The alias of the session; without it an address means the session without alias' -r
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reset; and __fish_seen_subcommand_from session" -l stagger -d 'Reset `all` one after another with this time between two, such as 500ms, 2s or 1m' -r
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reset; and __fish_seen_subcommand_from session" -l socket -d 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]' -r -F
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reset; and __fish_seen_subcommand_from session" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reset; and __fish_seen_subcommand_from bmp" -l socket -d 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]' -r -F
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reset; and __fish_seen_subcommand_from bmp" -s h -l help -d 'Print help'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reset; and __fish_seen_subcommand_from bmp" -f -a "session" -d '[vpn-instance NAME] {ADDRESS | all} | [vpn-instance NAME] ADDRESS alias NAME'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reset; and __fish_seen_subcommand_from bmp" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reset; and __fish_seen_subcommand_from help" -f -a "session" -d 'Reset BMP sessions: apply the configured parameters, connect again, send everything again'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reset; and __fish_seen_subcommand_from help" -f -a "bmp" -d 'The same in the grammar of the router\'s manual'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reset; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reload" -l socket -d 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]' -r -F
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reload" -l dry-run -d 'Print what would be done, and do nothing'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reload" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and not __fish_seen_subcommand_from session neighbor help" -l socket -d 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]' -r -F
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and not __fish_seen_subcommand_from session neighbor help" -s h -l help -d 'Print help'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and not __fish_seen_subcommand_from session neighbor help" -f -a "session" -d 'Show BMP sessions: a table, or the page of one session'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and not __fish_seen_subcommand_from session neighbor help" -f -a "neighbor" -d 'Show BGP neighbors'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and not __fish_seen_subcommand_from session neighbor help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from session" -l vpn-instance -d 'The VPN instance [default: the public one for an address, every one without]' -r
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from session" -l alias -d 'The alias of the session; without it an address means the session without alias' -r
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from session" -l socket -d 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]' -r -F
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from session" -s v -l verbose -d 'Show every detail of each session'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from session" -l json -d 'Print JSON: times are milliseconds'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from session" -s h -l help -d 'Print help'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from neighbor" -l socket -d 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]' -r -F
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from neighbor" -l json -d 'Print JSON: times are milliseconds'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from neighbor" -s h -l help -d 'Print help'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from help" -f -a "session" -d 'Show BMP sessions: a table, or the page of one session'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from help" -f -a "neighbor" -d 'Show BGP neighbors'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand help; and not __fish_seen_subcommand_from reset reload show help" -f -a "reset" -d 'Reset BMP sessions'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand help; and not __fish_seen_subcommand_from reset reload show help" -f -a "reload" -d 'Apply the configuration file: what is new begins, what is gone ends'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand help; and not __fish_seen_subcommand_from reset reload show help" -f -a "show" -d 'Show sessions and neighbors'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand help; and not __fish_seen_subcommand_from reset reload show help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand help; and __fish_seen_subcommand_from reset" -f -a "session" -d 'Reset BMP sessions: apply the configured parameters, connect again, send everything again'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand help; and __fish_seen_subcommand_from reset" -f -a "bmp" -d 'The same in the grammar of the router\'s manual'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand help; and __fish_seen_subcommand_from show" -f -a "session" -d 'Show BMP sessions: a table, or the page of one session'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand help; and __fish_seen_subcommand_from show" -f -a "neighbor" -d 'Show BGP neighbors'
