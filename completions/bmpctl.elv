# Completion of bmpctl for elvish. Put this file as bmpctl.elv into ~/.config/elvish/lib and add
# `use bmpctl` to ~/.config/elvish/rc.elv.

use str

set edit:completion:arg-completer[bmpctl] = {|@words|
    var found = []
    try {
        set found = [(env COMPLETE=elvish bmpctl -- $@words 2>/dev/null)]
    } catch { }
    if (eq $found ["\tfiles"]) {
        edit:complete-filename $@words
    } else {
        for line $found {
            var parts = [(str:split &max=2 "\t" $line)]
            if (== (count $parts) 2) {
                edit:complex-candidate $parts[0] &display=$parts[0]'  ('$parts[1]')'
            } else {
                put $line
            }
        }
    }
}
