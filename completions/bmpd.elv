
use builtin;
use str;

set edit:completion:arg-completer[bmpd] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'bmpd'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'bmpd'= {
            cand --import 'Print a configuration made from that of another daemon, and end'
            cand --log 'What is logged: this level and those above it'
            cand --explain 'Say what a key of the configuration file means, and end'
            cand --config 'The configuration file'
            cand --check 'Check the configuration file and end: 0 if it is good, 1 if it is not'
            cand --json 'With --check: print what was found as a JSON document'
            cand --schema 'Print the JSON schema of the configuration file, for editors, and end'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
    ]
    $completions[$command]
}
