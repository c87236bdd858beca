
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
            cand reset 'End and begin again'
            cand show 'Show what is'
        }
        &'bmpctl;reset'= {
            cand --socket 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]'
            cand -h 'Print help'
            cand --help 'Print help'
            cand session 'Reset BMP sessions: apply the configured parameters, connect again, send everything again'
            cand bmp 'The same in the grammar of the router''s manual'
        }
        &'bmpctl;reset;session'= {
            cand --vpn-instance 'The VPN instance [default: the public one for an address, every one for `all`]'
            cand --alias 'The alias of the session; without it an address means the session without alias'
            cand --socket 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'bmpctl;reset;bmp'= {
            cand --socket 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]'
            cand -h 'Print help'
            cand --help 'Print help'
            cand session '[vpn-instance NAME] {ADDRESS | all} | [vpn-instance NAME] ADDRESS alias NAME'
        }
        &'bmpctl;reset;bmp;session'= {
            cand --socket 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'bmpctl;show'= {
            cand --socket 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]'
            cand -h 'Print help'
            cand --help 'Print help'
            cand session 'Show BMP sessions: a table, or the page of one session'
            cand neighbor 'Show BGP neighbors'
        }
        &'bmpctl;show;session'= {
            cand --vpn-instance 'The VPN instance [default: the public one for an address, every one without]'
            cand --alias 'The alias of the session; without it an address means the session without alias'
            cand --socket 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]'
            cand -v 'Show every detail of each session'
            cand --verbose 'Show every detail of each session'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'bmpctl;show;neighbor'= {
            cand --socket 'The control socket of bmpd [default: that of your own bmpd if you run one, else /run/bmpd/bmpd.sock]'
            cand -h 'Print help'
            cand --help 'Print help'
        }
    ]
    $completions[$command]
}
