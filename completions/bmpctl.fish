# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_bmpctl_global_optspecs
    string join \n socket= json q/quiet timeout= h/help V/version
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
complete -c bmpctl -n "__fish_bmpctl_needs_command" -l timeout -d 'How long bmpd may be silent, such as 500ms, 2s or 1m' -r
complete -c bmpctl -n "__fish_bmpctl_needs_command" -l json -d 'Print one JSON document, also for a failure'
complete -c bmpctl -n "__fish_bmpctl_needs_command" -s q -l quiet -d 'Print nothing but failures'
complete -c bmpctl -n "__fish_bmpctl_needs_command" -s h -l help -d 'Print help'
complete -c bmpctl -n "__fish_bmpctl_needs_command" -s V -l version -d 'Print version'
complete -c bmpctl -n "__fish_bmpctl_needs_command" -f -a "reset" -d 'Reset BMP sessions'
complete -c bmpctl -n "__fish_bmpctl_needs_command" -f -a "reload" -d 'Apply the configuration file: what is new begins, what is gone ends'
complete -c bmpctl -n "__fish_bmpctl_needs_command" -f -a "show" -d 'Show sessions, neighbors, VPN instances, the configuration, bmpd itself'
complete -c bmpctl -n "__fish_bmpctl_needs_command" -f -a "monitor" -d 'Print what happens as it happens: sessions and neighbors that change, commands, reloads'
complete -c bmpctl -n "__fish_bmpctl_needs_command" -f -a "clear" -d 'Let counters begin at zero'
complete -c bmpctl -n "__fish_bmpctl_needs_command" -f -a "display" -d 'Show BMP sessions in the words and the layout of routers'
complete -c bmpctl -n "__fish_bmpctl_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reset; and not __fish_seen_subcommand_from session bmp help" -l socket -d 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]' -r -F
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reset; and not __fish_seen_subcommand_from session bmp help" -l timeout -d 'How long bmpd may be silent, such as 500ms, 2s or 1m' -r
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reset; and not __fish_seen_subcommand_from session bmp help" -l json -d 'Print one JSON document, also for a failure'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reset; and not __fish_seen_subcommand_from session bmp help" -s q -l quiet -d 'Print nothing but failures'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reset; and not __fish_seen_subcommand_from session bmp help" -s h -l help -d 'Print help'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reset; and not __fish_seen_subcommand_from session bmp help" -f -a "session" -d 'Reset BMP sessions: apply the configured parameters, connect again, send everything again'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reset; and not __fish_seen_subcommand_from session bmp help" -f -a "bmp" -d 'The same in the grammar of the router\'s manual'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reset; and not __fish_seen_subcommand_from session bmp help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reset; and __fish_seen_subcommand_from session" -l vpn-instance -d 'The VPN instance [default: the public one for an address, every one for `all`]' -r
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reset; and __fish_seen_subcommand_from session" -l alias -d 'The alias of the session; without it an address means the session without alias' -r
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reset; and __fish_seen_subcommand_from session" -l stagger -d 'Reset `all` one after another with this time between two, such as 500ms, 2s or 1m' -r
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reset; and __fish_seen_subcommand_from session" -l wait -d 'Wait until every session is synchronised, at most this long [default: 5m]' -r
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reset; and __fish_seen_subcommand_from session" -l socket -d 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]' -r -F
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reset; and __fish_seen_subcommand_from session" -l timeout -d 'How long bmpd may be silent, such as 500ms, 2s or 1m' -r
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reset; and __fish_seen_subcommand_from session" -l dry-run -d 'Print what a reset would do, and do nothing'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reset; and __fish_seen_subcommand_from session" -l json -d 'Print one JSON document, also for a failure'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reset; and __fish_seen_subcommand_from session" -s q -l quiet -d 'Print nothing but failures'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reset; and __fish_seen_subcommand_from session" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reset; and __fish_seen_subcommand_from bmp" -l socket -d 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]' -r -F
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reset; and __fish_seen_subcommand_from bmp" -l timeout -d 'How long bmpd may be silent, such as 500ms, 2s or 1m' -r
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reset; and __fish_seen_subcommand_from bmp" -l json -d 'Print one JSON document, also for a failure'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reset; and __fish_seen_subcommand_from bmp" -s q -l quiet -d 'Print nothing but failures'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reset; and __fish_seen_subcommand_from bmp" -s h -l help -d 'Print help'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reset; and __fish_seen_subcommand_from bmp" -f -a "session" -d '[vpn-instance NAME] {ADDRESS | all} | [vpn-instance NAME] ADDRESS alias NAME'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reset; and __fish_seen_subcommand_from bmp" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reset; and __fish_seen_subcommand_from help" -f -a "session" -d 'Reset BMP sessions: apply the configured parameters, connect again, send everything again'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reset; and __fish_seen_subcommand_from help" -f -a "bmp" -d 'The same in the grammar of the router\'s manual'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reset; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reload" -l socket -d 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]' -r -F
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reload" -l timeout -d 'How long bmpd may be silent, such as 500ms, 2s or 1m' -r
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reload" -l dry-run -d 'Print what would be done, and do nothing'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reload" -l json -d 'Print one JSON document, also for a failure'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reload" -s q -l quiet -d 'Print nothing but failures'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand reload" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and not __fish_seen_subcommand_from session neighbor vpn-instance config statistics status version help" -l watch -d 'Show it again and again, every so many seconds [default: 2]' -r
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and not __fish_seen_subcommand_from session neighbor vpn-instance config statistics status version help" -l socket -d 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]' -r -F
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and not __fish_seen_subcommand_from session neighbor vpn-instance config statistics status version help" -l timeout -d 'How long bmpd may be silent, such as 500ms, 2s or 1m' -r
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and not __fish_seen_subcommand_from session neighbor vpn-instance config statistics status version help" -l json -d 'Print one JSON document, also for a failure'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and not __fish_seen_subcommand_from session neighbor vpn-instance config statistics status version help" -s q -l quiet -d 'Print nothing but failures'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and not __fish_seen_subcommand_from session neighbor vpn-instance config statistics status version help" -s h -l help -d 'Print help'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and not __fish_seen_subcommand_from session neighbor vpn-instance config statistics status version help" -f -a "session" -d 'Show BMP sessions: a table, or the page of one session'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and not __fish_seen_subcommand_from session neighbor vpn-instance config statistics status version help" -f -a "neighbor" -d 'Show BGP neighbors: a table, or the page of one neighbor'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and not __fish_seen_subcommand_from session neighbor vpn-instance config statistics status version help" -f -a "vpn-instance" -d 'Show VPN instances: what they stand for, and what is in them'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and not __fish_seen_subcommand_from session neighbor vpn-instance config statistics status version help" -f -a "config" -d 'Show the configuration in effect, with defaults filled in and keys masked'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and not __fish_seen_subcommand_from session neighbor vpn-instance config statistics status version help" -f -a "statistics" -d 'Show what sessions have counted over all of their connections'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and not __fish_seen_subcommand_from session neighbor vpn-instance config statistics status version help" -f -a "status" -d 'Show bmpd itself: version, uptime, memory, routes, sessions by state'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and not __fish_seen_subcommand_from session neighbor vpn-instance config statistics status version help" -f -a "version" -d 'Show the versions of bmpctl and bmpd'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and not __fish_seen_subcommand_from session neighbor vpn-instance config statistics status version help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from session" -l vpn-instance -d 'The VPN instance [default: the public one for an address, every one without]' -r
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from session" -l alias -d 'The alias of the session; without it an address means the session without alias' -r
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from session" -l watch -d 'Show it again and again, every so many seconds [default: 2]' -r
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from session" -l socket -d 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]' -r -F
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from session" -l timeout -d 'How long bmpd may be silent, such as 500ms, 2s or 1m' -r
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from session" -s v -l verbose -d 'Show every detail of each session'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from session" -l json -d 'Print one JSON document, also for a failure'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from session" -s q -l quiet -d 'Print nothing but failures'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from session" -s h -l help -d 'Print help'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from neighbor" -l vpn-instance -d 'Only neighbors of this VPN instance' -r
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from neighbor" -l watch -d 'Show it again and again, every so many seconds [default: 2]' -r
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from neighbor" -l socket -d 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]' -r -F
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from neighbor" -l timeout -d 'How long bmpd may be silent, such as 500ms, 2s or 1m' -r
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from neighbor" -s v -l verbose -d 'Show every detail of each neighbor'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from neighbor" -l json -d 'Print one JSON document, also for a failure'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from neighbor" -s q -l quiet -d 'Print nothing but failures'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from neighbor" -s h -l help -d 'Print help'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from vpn-instance" -l watch -d 'Show it again and again, every so many seconds [default: 2]' -r
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from vpn-instance" -l socket -d 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]' -r -F
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from vpn-instance" -l timeout -d 'How long bmpd may be silent, such as 500ms, 2s or 1m' -r
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from vpn-instance" -l json -d 'Print one JSON document, also for a failure'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from vpn-instance" -s q -l quiet -d 'Print nothing but failures'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from vpn-instance" -s h -l help -d 'Print help'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from config" -l watch -d 'Show it again and again, every so many seconds [default: 2]' -r
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from config" -l socket -d 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]' -r -F
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from config" -l timeout -d 'How long bmpd may be silent, such as 500ms, 2s or 1m' -r
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from config" -l pending -d 'Only what was configured and waits for a reset or a restart'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from config" -l json -d 'Print one JSON document, also for a failure'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from config" -s q -l quiet -d 'Print nothing but failures'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from config" -s h -l help -d 'Print help'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from statistics" -l vpn-instance -d 'The VPN instance [default: the public one for an address, every one without]' -r
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from statistics" -l alias -d 'The alias of the session; without it an address means the session without alias' -r
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from statistics" -l watch -d 'Show it again and again, every so many seconds [default: 2]' -r
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from statistics" -l socket -d 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]' -r -F
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from statistics" -l timeout -d 'How long bmpd may be silent, such as 500ms, 2s or 1m' -r
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from statistics" -l json -d 'Print one JSON document, also for a failure'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from statistics" -s q -l quiet -d 'Print nothing but failures'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from statistics" -s h -l help -d 'Print help'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from status" -l watch -d 'Show it again and again, every so many seconds [default: 2]' -r
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from status" -l socket -d 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]' -r -F
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from status" -l timeout -d 'How long bmpd may be silent, such as 500ms, 2s or 1m' -r
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from status" -l json -d 'Print one JSON document, also for a failure'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from status" -s q -l quiet -d 'Print nothing but failures'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from version" -l watch -d 'Show it again and again, every so many seconds [default: 2]' -r
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from version" -l socket -d 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]' -r -F
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from version" -l timeout -d 'How long bmpd may be silent, such as 500ms, 2s or 1m' -r
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from version" -l json -d 'Print one JSON document, also for a failure'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from version" -s q -l quiet -d 'Print nothing but failures'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from version" -s h -l help -d 'Print help'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from help" -f -a "session" -d 'Show BMP sessions: a table, or the page of one session'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from help" -f -a "neighbor" -d 'Show BGP neighbors: a table, or the page of one neighbor'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from help" -f -a "vpn-instance" -d 'Show VPN instances: what they stand for, and what is in them'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from help" -f -a "config" -d 'Show the configuration in effect, with defaults filled in and keys masked'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from help" -f -a "statistics" -d 'Show what sessions have counted over all of their connections'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from help" -f -a "status" -d 'Show bmpd itself: version, uptime, memory, routes, sessions by state'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from help" -f -a "version" -d 'Show the versions of bmpctl and bmpd'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand show; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand monitor" -l socket -d 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]' -r -F
complete -c bmpctl -n "__fish_bmpctl_using_subcommand monitor" -l timeout -d 'How long bmpd may be silent, such as 500ms, 2s or 1m' -r
complete -c bmpctl -n "__fish_bmpctl_using_subcommand monitor" -l json -d 'Print one JSON document, also for a failure'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand monitor" -s q -l quiet -d 'Print nothing but failures'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand monitor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand clear; and not __fish_seen_subcommand_from statistics help" -l socket -d 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]' -r -F
complete -c bmpctl -n "__fish_bmpctl_using_subcommand clear; and not __fish_seen_subcommand_from statistics help" -l timeout -d 'How long bmpd may be silent, such as 500ms, 2s or 1m' -r
complete -c bmpctl -n "__fish_bmpctl_using_subcommand clear; and not __fish_seen_subcommand_from statistics help" -l json -d 'Print one JSON document, also for a failure'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand clear; and not __fish_seen_subcommand_from statistics help" -s q -l quiet -d 'Print nothing but failures'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand clear; and not __fish_seen_subcommand_from statistics help" -s h -l help -d 'Print help'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand clear; and not __fish_seen_subcommand_from statistics help" -f -a "statistics" -d 'Let the counters of `show statistics` begin at zero; connections are not touched'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand clear; and not __fish_seen_subcommand_from statistics help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand clear; and __fish_seen_subcommand_from statistics" -l vpn-instance -d 'The VPN instance [default: the public one for an address, every one without]' -r
complete -c bmpctl -n "__fish_bmpctl_using_subcommand clear; and __fish_seen_subcommand_from statistics" -l alias -d 'The alias of the session; without it an address means the session without alias' -r
complete -c bmpctl -n "__fish_bmpctl_using_subcommand clear; and __fish_seen_subcommand_from statistics" -l socket -d 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]' -r -F
complete -c bmpctl -n "__fish_bmpctl_using_subcommand clear; and __fish_seen_subcommand_from statistics" -l timeout -d 'How long bmpd may be silent, such as 500ms, 2s or 1m' -r
complete -c bmpctl -n "__fish_bmpctl_using_subcommand clear; and __fish_seen_subcommand_from statistics" -l json -d 'Print one JSON document, also for a failure'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand clear; and __fish_seen_subcommand_from statistics" -s q -l quiet -d 'Print nothing but failures'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand clear; and __fish_seen_subcommand_from statistics" -s h -l help -d 'Print help'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand clear; and __fish_seen_subcommand_from help" -f -a "statistics" -d 'Let the counters of `show statistics` begin at zero; connections are not touched'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand clear; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand display; and not __fish_seen_subcommand_from bmp help" -l socket -d 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]' -r -F
complete -c bmpctl -n "__fish_bmpctl_using_subcommand display; and not __fish_seen_subcommand_from bmp help" -l timeout -d 'How long bmpd may be silent, such as 500ms, 2s or 1m' -r
complete -c bmpctl -n "__fish_bmpctl_using_subcommand display; and not __fish_seen_subcommand_from bmp help" -l json -d 'Print one JSON document, also for a failure'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand display; and not __fish_seen_subcommand_from bmp help" -s q -l quiet -d 'Print nothing but failures'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand display; and not __fish_seen_subcommand_from bmp help" -s h -l help -d 'Print help'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand display; and not __fish_seen_subcommand_from bmp help" -f -a "bmp" -d 'Show BMP sessions in the words and the layout of routers'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand display; and not __fish_seen_subcommand_from bmp help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand display; and __fish_seen_subcommand_from bmp" -l socket -d 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]' -r -F
complete -c bmpctl -n "__fish_bmpctl_using_subcommand display; and __fish_seen_subcommand_from bmp" -l timeout -d 'How long bmpd may be silent, such as 500ms, 2s or 1m' -r
complete -c bmpctl -n "__fish_bmpctl_using_subcommand display; and __fish_seen_subcommand_from bmp" -l json -d 'Print one JSON document, also for a failure'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand display; and __fish_seen_subcommand_from bmp" -s q -l quiet -d 'Print nothing but failures'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand display; and __fish_seen_subcommand_from bmp" -s h -l help -d 'Print help'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand display; and __fish_seen_subcommand_from bmp" -f -a "session" -d '[vpn-instance NAME] [ADDRESS [alias NAME]] [verbose]'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand display; and __fish_seen_subcommand_from bmp" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand display; and __fish_seen_subcommand_from help" -f -a "bmp" -d 'Show BMP sessions in the words and the layout of routers'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand display; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand help; and not __fish_seen_subcommand_from reset reload show monitor clear display help" -f -a "reset" -d 'Reset BMP sessions'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand help; and not __fish_seen_subcommand_from reset reload show monitor clear display help" -f -a "reload" -d 'Apply the configuration file: what is new begins, what is gone ends'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand help; and not __fish_seen_subcommand_from reset reload show monitor clear display help" -f -a "show" -d 'Show sessions, neighbors, VPN instances, the configuration, bmpd itself'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand help; and not __fish_seen_subcommand_from reset reload show monitor clear display help" -f -a "monitor" -d 'Print what happens as it happens: sessions and neighbors that change, commands, reloads'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand help; and not __fish_seen_subcommand_from reset reload show monitor clear display help" -f -a "clear" -d 'Let counters begin at zero'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand help; and not __fish_seen_subcommand_from reset reload show monitor clear display help" -f -a "display" -d 'Show BMP sessions in the words and the layout of routers'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand help; and not __fish_seen_subcommand_from reset reload show monitor clear display help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand help; and __fish_seen_subcommand_from reset" -f -a "session" -d 'Reset BMP sessions: apply the configured parameters, connect again, send everything again'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand help; and __fish_seen_subcommand_from reset" -f -a "bmp" -d 'The same in the grammar of the router\'s manual'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand help; and __fish_seen_subcommand_from show" -f -a "session" -d 'Show BMP sessions: a table, or the page of one session'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand help; and __fish_seen_subcommand_from show" -f -a "neighbor" -d 'Show BGP neighbors: a table, or the page of one neighbor'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand help; and __fish_seen_subcommand_from show" -f -a "vpn-instance" -d 'Show VPN instances: what they stand for, and what is in them'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand help; and __fish_seen_subcommand_from show" -f -a "config" -d 'Show the configuration in effect, with defaults filled in and keys masked'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand help; and __fish_seen_subcommand_from show" -f -a "statistics" -d 'Show what sessions have counted over all of their connections'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand help; and __fish_seen_subcommand_from show" -f -a "status" -d 'Show bmpd itself: version, uptime, memory, routes, sessions by state'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand help; and __fish_seen_subcommand_from show" -f -a "version" -d 'Show the versions of bmpctl and bmpd'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand help; and __fish_seen_subcommand_from clear" -f -a "statistics" -d 'Let the counters of `show statistics` begin at zero; connections are not touched'
complete -c bmpctl -n "__fish_bmpctl_using_subcommand help; and __fish_seen_subcommand_from display" -f -a "bmp" -d 'Show BMP sessions in the words and the layout of routers'
