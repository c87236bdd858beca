
use builtin;
use str;

set edit:completion:arg-completer[bmpctl] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'bmpctl'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'bmpctl'= {
            cand --socket 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]'
            cand --timeout 'How long bmpd may be silent, such as 500ms, 2s or 1m'
            cand --json 'Print one JSON document, also for a failure'
            cand -q 'Print nothing but failures'
            cand --quiet 'Print nothing but failures'
            cand -h 'Print help'
            cand --help 'Print help'
            cand -V 'Print version'
            cand --version 'Print version'
            cand reset 'Reset BMP sessions'
            cand reload 'Apply the configuration file: what is new begins, what is gone ends'
            cand show 'Show sessions, neighbors, VPN instances, the configuration, bmpd itself'
            cand monitor 'Print what happens as it happens: sessions and neighbors that change, commands, reloads'
            cand clear 'Let counters begin at zero'
            cand display 'Show BMP sessions in the words and the layout of routers'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'bmpctl;reset'= {
            cand --socket 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]'
            cand --timeout 'How long bmpd may be silent, such as 500ms, 2s or 1m'
            cand --json 'Print one JSON document, also for a failure'
            cand -q 'Print nothing but failures'
            cand --quiet 'Print nothing but failures'
            cand -h 'Print help'
            cand --help 'Print help'
            cand session 'Reset BMP sessions: apply the configured parameters, connect again, send everything again'
            cand bmp 'The same in the grammar of the router''s manual'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'bmpctl;reset;session'= {
            cand --vpn-instance 'The VPN instance [default: the public one for an address, every one for `all`]'
            cand --alias 'The alias of the session; without it an address means the session without alias'
            cand --stagger 'Reset `all` one after another with this time between two, such as 500ms, 2s or 1m'
            cand --wait 'Wait until every session is synchronised, at most this long [default: 5m]'
            cand --socket 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]'
            cand --timeout 'How long bmpd may be silent, such as 500ms, 2s or 1m'
            cand --dry-run 'Print what a reset would do, and do nothing'
            cand --json 'Print one JSON document, also for a failure'
            cand -q 'Print nothing but failures'
            cand --quiet 'Print nothing but failures'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'bmpctl;reset;bmp'= {
            cand --socket 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]'
            cand --timeout 'How long bmpd may be silent, such as 500ms, 2s or 1m'
            cand --json 'Print one JSON document, also for a failure'
            cand -q 'Print nothing but failures'
            cand --quiet 'Print nothing but failures'
            cand -h 'Print help'
            cand --help 'Print help'
            cand session '[vpn-instance NAME] {ADDRESS | all} | [vpn-instance NAME] ADDRESS alias NAME'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'bmpctl;reset;bmp;session'= {
            cand --socket 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]'
            cand --timeout 'How long bmpd may be silent, such as 500ms, 2s or 1m'
            cand --json 'Print one JSON document, also for a failure'
            cand -q 'Print nothing but failures'
            cand --quiet 'Print nothing but failures'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'bmpctl;reset;bmp;help'= {
            cand session '[vpn-instance NAME] {ADDRESS | all} | [vpn-instance NAME] ADDRESS alias NAME'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'bmpctl;reset;bmp;help;session'= {
        }
        &'bmpctl;reset;bmp;help;help'= {
        }
        &'bmpctl;reset;help'= {
            cand session 'Reset BMP sessions: apply the configured parameters, connect again, send everything again'
            cand bmp 'The same in the grammar of the router''s manual'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'bmpctl;reset;help;session'= {
        }
        &'bmpctl;reset;help;bmp'= {
            cand session '[vpn-instance NAME] {ADDRESS | all} | [vpn-instance NAME] ADDRESS alias NAME'
        }
        &'bmpctl;reset;help;bmp;session'= {
        }
        &'bmpctl;reset;help;help'= {
        }
        &'bmpctl;reload'= {
            cand --socket 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]'
            cand --timeout 'How long bmpd may be silent, such as 500ms, 2s or 1m'
            cand --dry-run 'Print what would be done, and do nothing'
            cand --json 'Print one JSON document, also for a failure'
            cand -q 'Print nothing but failures'
            cand --quiet 'Print nothing but failures'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'bmpctl;show'= {
            cand --watch 'Show it again and again, every so many seconds [default: 2]'
            cand --socket 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]'
            cand --timeout 'How long bmpd may be silent, such as 500ms, 2s or 1m'
            cand --json 'Print one JSON document, also for a failure'
            cand -q 'Print nothing but failures'
            cand --quiet 'Print nothing but failures'
            cand -h 'Print help'
            cand --help 'Print help'
            cand session 'Show BMP sessions: a table, or the page of one session'
            cand neighbor 'Show BGP neighbors: a table, or the page of one neighbor'
            cand vpn-instance 'Show VPN instances: what they stand for, and what is in them'
            cand config 'Show the configuration in effect, with defaults filled in and keys masked'
            cand statistics 'Show what sessions have counted over all of their connections'
            cand status 'Show bmpd itself: version, uptime, memory, routes, sessions by state'
            cand version 'Show the versions of bmpctl and bmpd'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'bmpctl;show;session'= {
            cand --vpn-instance 'The VPN instance [default: the public one for an address, every one without]'
            cand --alias 'The alias of the session; without it an address means the session without alias'
            cand --watch 'Show it again and again, every so many seconds [default: 2]'
            cand --socket 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]'
            cand --timeout 'How long bmpd may be silent, such as 500ms, 2s or 1m'
            cand -v 'Show every detail of each session'
            cand --verbose 'Show every detail of each session'
            cand --json 'Print one JSON document, also for a failure'
            cand -q 'Print nothing but failures'
            cand --quiet 'Print nothing but failures'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'bmpctl;show;neighbor'= {
            cand --vpn-instance 'Only neighbors of this VPN instance'
            cand --watch 'Show it again and again, every so many seconds [default: 2]'
            cand --socket 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]'
            cand --timeout 'How long bmpd may be silent, such as 500ms, 2s or 1m'
            cand -v 'Show every detail of each neighbor'
            cand --verbose 'Show every detail of each neighbor'
            cand --json 'Print one JSON document, also for a failure'
            cand -q 'Print nothing but failures'
            cand --quiet 'Print nothing but failures'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'bmpctl;show;vpn-instance'= {
            cand --watch 'Show it again and again, every so many seconds [default: 2]'
            cand --socket 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]'
            cand --timeout 'How long bmpd may be silent, such as 500ms, 2s or 1m'
            cand --json 'Print one JSON document, also for a failure'
            cand -q 'Print nothing but failures'
            cand --quiet 'Print nothing but failures'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'bmpctl;show;config'= {
            cand --watch 'Show it again and again, every so many seconds [default: 2]'
            cand --socket 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]'
            cand --timeout 'How long bmpd may be silent, such as 500ms, 2s or 1m'
            cand --pending 'Only what was configured and waits for a reset or a restart'
            cand --json 'Print one JSON document, also for a failure'
            cand -q 'Print nothing but failures'
            cand --quiet 'Print nothing but failures'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'bmpctl;show;statistics'= {
            cand --vpn-instance 'The VPN instance [default: the public one for an address, every one without]'
            cand --alias 'The alias of the session; without it an address means the session without alias'
            cand --watch 'Show it again and again, every so many seconds [default: 2]'
            cand --socket 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]'
            cand --timeout 'How long bmpd may be silent, such as 500ms, 2s or 1m'
            cand --json 'Print one JSON document, also for a failure'
            cand -q 'Print nothing but failures'
            cand --quiet 'Print nothing but failures'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'bmpctl;show;status'= {
            cand --watch 'Show it again and again, every so many seconds [default: 2]'
            cand --socket 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]'
            cand --timeout 'How long bmpd may be silent, such as 500ms, 2s or 1m'
            cand --json 'Print one JSON document, also for a failure'
            cand -q 'Print nothing but failures'
            cand --quiet 'Print nothing but failures'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'bmpctl;show;version'= {
            cand --watch 'Show it again and again, every so many seconds [default: 2]'
            cand --socket 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]'
            cand --timeout 'How long bmpd may be silent, such as 500ms, 2s or 1m'
            cand --json 'Print one JSON document, also for a failure'
            cand -q 'Print nothing but failures'
            cand --quiet 'Print nothing but failures'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'bmpctl;show;help'= {
            cand session 'Show BMP sessions: a table, or the page of one session'
            cand neighbor 'Show BGP neighbors: a table, or the page of one neighbor'
            cand vpn-instance 'Show VPN instances: what they stand for, and what is in them'
            cand config 'Show the configuration in effect, with defaults filled in and keys masked'
            cand statistics 'Show what sessions have counted over all of their connections'
            cand status 'Show bmpd itself: version, uptime, memory, routes, sessions by state'
            cand version 'Show the versions of bmpctl and bmpd'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'bmpctl;show;help;session'= {
        }
        &'bmpctl;show;help;neighbor'= {
        }
        &'bmpctl;show;help;vpn-instance'= {
        }
        &'bmpctl;show;help;config'= {
        }
        &'bmpctl;show;help;statistics'= {
        }
        &'bmpctl;show;help;status'= {
        }
        &'bmpctl;show;help;version'= {
        }
        &'bmpctl;show;help;help'= {
        }
        &'bmpctl;monitor'= {
            cand --socket 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]'
            cand --timeout 'How long bmpd may be silent, such as 500ms, 2s or 1m'
            cand --json 'Print one JSON document, also for a failure'
            cand -q 'Print nothing but failures'
            cand --quiet 'Print nothing but failures'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'bmpctl;clear'= {
            cand --socket 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]'
            cand --timeout 'How long bmpd may be silent, such as 500ms, 2s or 1m'
            cand --json 'Print one JSON document, also for a failure'
            cand -q 'Print nothing but failures'
            cand --quiet 'Print nothing but failures'
            cand -h 'Print help'
            cand --help 'Print help'
            cand statistics 'Let the counters of `show statistics` begin at zero; connections are not touched'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'bmpctl;clear;statistics'= {
            cand --vpn-instance 'The VPN instance [default: the public one for an address, every one without]'
            cand --alias 'The alias of the session; without it an address means the session without alias'
            cand --socket 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]'
            cand --timeout 'How long bmpd may be silent, such as 500ms, 2s or 1m'
            cand --json 'Print one JSON document, also for a failure'
            cand -q 'Print nothing but failures'
            cand --quiet 'Print nothing but failures'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'bmpctl;clear;help'= {
            cand statistics 'Let the counters of `show statistics` begin at zero; connections are not touched'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'bmpctl;clear;help;statistics'= {
        }
        &'bmpctl;clear;help;help'= {
        }
        &'bmpctl;display'= {
            cand --socket 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]'
            cand --timeout 'How long bmpd may be silent, such as 500ms, 2s or 1m'
            cand --json 'Print one JSON document, also for a failure'
            cand -q 'Print nothing but failures'
            cand --quiet 'Print nothing but failures'
            cand -h 'Print help'
            cand --help 'Print help'
            cand bmp 'Show BMP sessions in the words and the layout of routers'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'bmpctl;display;bmp'= {
            cand --socket 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]'
            cand --timeout 'How long bmpd may be silent, such as 500ms, 2s or 1m'
            cand --json 'Print one JSON document, also for a failure'
            cand -q 'Print nothing but failures'
            cand --quiet 'Print nothing but failures'
            cand -h 'Print help'
            cand --help 'Print help'
            cand session '[vpn-instance NAME] [ADDRESS [alias NAME]] [verbose]'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'bmpctl;display;bmp;session'= {
            cand --socket 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]'
            cand --timeout 'How long bmpd may be silent, such as 500ms, 2s or 1m'
            cand --json 'Print one JSON document, also for a failure'
            cand -q 'Print nothing but failures'
            cand --quiet 'Print nothing but failures'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'bmpctl;display;bmp;help'= {
            cand session '[vpn-instance NAME] [ADDRESS [alias NAME]] [verbose]'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'bmpctl;display;bmp;help;session'= {
        }
        &'bmpctl;display;bmp;help;help'= {
        }
        &'bmpctl;display;help'= {
            cand bmp 'Show BMP sessions in the words and the layout of routers'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'bmpctl;display;help;bmp'= {
            cand session '[vpn-instance NAME] [ADDRESS [alias NAME]] [verbose]'
        }
        &'bmpctl;display;help;bmp;session'= {
        }
        &'bmpctl;display;help;help'= {
        }
        &'bmpctl;help'= {
            cand reset 'Reset BMP sessions'
            cand reload 'Apply the configuration file: what is new begins, what is gone ends'
            cand show 'Show sessions, neighbors, VPN instances, the configuration, bmpd itself'
            cand monitor 'Print what happens as it happens: sessions and neighbors that change, commands, reloads'
            cand clear 'Let counters begin at zero'
            cand display 'Show BMP sessions in the words and the layout of routers'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'bmpctl;help;reset'= {
            cand session 'Reset BMP sessions: apply the configured parameters, connect again, send everything again'
            cand bmp 'The same in the grammar of the router''s manual'
        }
        &'bmpctl;help;reset;session'= {
        }
        &'bmpctl;help;reset;bmp'= {
            cand session '[vpn-instance NAME] {ADDRESS | all} | [vpn-instance NAME] ADDRESS alias NAME'
        }
        &'bmpctl;help;reset;bmp;session'= {
        }
        &'bmpctl;help;reload'= {
        }
        &'bmpctl;help;show'= {
            cand session 'Show BMP sessions: a table, or the page of one session'
            cand neighbor 'Show BGP neighbors: a table, or the page of one neighbor'
            cand vpn-instance 'Show VPN instances: what they stand for, and what is in them'
            cand config 'Show the configuration in effect, with defaults filled in and keys masked'
            cand statistics 'Show what sessions have counted over all of their connections'
            cand status 'Show bmpd itself: version, uptime, memory, routes, sessions by state'
            cand version 'Show the versions of bmpctl and bmpd'
        }
        &'bmpctl;help;show;session'= {
        }
        &'bmpctl;help;show;neighbor'= {
        }
        &'bmpctl;help;show;vpn-instance'= {
        }
        &'bmpctl;help;show;config'= {
        }
        &'bmpctl;help;show;statistics'= {
        }
        &'bmpctl;help;show;status'= {
        }
        &'bmpctl;help;show;version'= {
        }
        &'bmpctl;help;monitor'= {
        }
        &'bmpctl;help;clear'= {
            cand statistics 'Let the counters of `show statistics` begin at zero; connections are not touched'
        }
        &'bmpctl;help;clear;statistics'= {
        }
        &'bmpctl;help;display'= {
            cand bmp 'Show BMP sessions in the words and the layout of routers'
        }
        &'bmpctl;help;display;bmp'= {
            cand session '[vpn-instance NAME] [ADDRESS [alias NAME]] [verbose]'
        }
        &'bmpctl;help;display;bmp;session'= {
        }
        &'bmpctl;help;help'= {
        }
    ]
    $completions[$command]
}
