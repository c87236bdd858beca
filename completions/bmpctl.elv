
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
            cand -h 'Print help'
            cand --help 'Print help'
            cand -V 'Print version'
            cand --version 'Print version'
            cand reset 'Reset BMP sessions'
            cand reload 'Apply the configuration file: what is new begins, what is gone ends'
            cand show 'Show sessions and neighbors'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'bmpctl;reset'= {
            cand --socket 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]'
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
            cand --socket 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'bmpctl;reset;bmp'= {
            cand --socket 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]'
            cand -h 'Print help'
            cand --help 'Print help'
            cand session '[vpn-instance NAME] {ADDRESS | all} | [vpn-instance NAME] ADDRESS alias NAME'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'bmpctl;reset;bmp;session'= {
            cand --socket 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]'
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
            cand --dry-run 'Print what would be done, and do nothing'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'bmpctl;show'= {
            cand --socket 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]'
            cand -h 'Print help'
            cand --help 'Print help'
            cand session 'Show BMP sessions: a table, or the page of one session'
            cand neighbor 'Show BGP neighbors'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'bmpctl;show;session'= {
            cand --vpn-instance 'The VPN instance [default: the public one for an address, every one without]'
            cand --alias 'The alias of the session; without it an address means the session without alias'
            cand --socket 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]'
            cand -v 'Show every detail of each session'
            cand --verbose 'Show every detail of each session'
            cand --json 'Print JSON: times are milliseconds'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'bmpctl;show;neighbor'= {
            cand --socket 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]'
            cand --json 'Print JSON: times are milliseconds'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'bmpctl;show;help'= {
            cand session 'Show BMP sessions: a table, or the page of one session'
            cand neighbor 'Show BGP neighbors'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'bmpctl;show;help;session'= {
        }
        &'bmpctl;show;help;neighbor'= {
        }
        &'bmpctl;show;help;help'= {
        }
        &'bmpctl;help'= {
            cand reset 'Reset BMP sessions'
            cand reload 'Apply the configuration file: what is new begins, what is gone ends'
            cand show 'Show sessions and neighbors'
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
            cand neighbor 'Show BGP neighbors'
        }
        &'bmpctl;help;show;session'= {
        }
        &'bmpctl;help;show;neighbor'= {
        }
        &'bmpctl;help;help'= {
        }
    ]
    $completions[$command]
}
