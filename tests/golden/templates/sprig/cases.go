package main

// What a chat's message looks like that a hook posts.
const block = `{"channel": "#backups", "blocks": [
{{- $title := printf "Backup of %s/%s: %s" .Namespace .Target.Name .Status.Phase -}}
{{- $text := printf "*%s*\nafter %s, by %s/%s\n` + "```%s```" + `" $title .Status.Duration .Invoker.Kind .Invoker.Name .Status.Error -}}
{{ dict "type" "header" "text" (dict "type" "plain_text" "text" $title) | toJson }},
{{ toJson (dict "type" "section" "text" (dict "type" "mrkdwn" "text" $text)) }}
{{- if eq .Status.Phase "Failed" }},{{ dict "type" "context" "elements" (list (dict "type" "plain_text" "text" (printf "%d tries left" .RetryLeft))) | toJson }}{{ end -}}
]}`

func describe() {
	add("summary", "message", block,
		`{"text": {{ toJson (printf "backup of %s failed: %s" .Target.Name .Status.Error) }}}`,
		`{"msg": {{ printf "%s/%s: %s" .Namespace .Target.Name .Status.Error | toJson }}}`,
		`{{ toJson . }}`, `{{ toPrettyJson . }}`, `{{ toRawJson . }}`, `{{ .Status.Error | quote }}`,
		`{{ .Status.Error | squote }}`, `{{ .Status.Error | trunc 12 }}`, `{{ .Status.Error | b64enc }}`,
		`{{ .Status.Error | b64enc | b64dec }}`, `{{ .Status.Error | sha256sum }}`, `{{ .Status.Error | upper }}`,
		`{{ .Status.Error | replace "\n" " " | toJson }}`, `{{ .Status.Error | regexReplaceAll "[^a-zA-Z0-9 ]+" "" }}`,
		`{{ .Status.Error | splitList "\n" | first | toJson }}`, `{{ .Status.Error | indent 4 }}`, `{{ .Status.Error | nindent 2 }}`,
		`{{ .Invoker.Kind | kebabcase }} {{ .Invoker.Kind | snakecase }} {{ .Target.Kind | lower }}`,
		`{{ list .Name .Namespace .Target.Name | join "/" }}`, `{{ default "none" .Status.Error | trunc 6 }}`,
		`{{ ternary "retry" "last" (gt .RetryLeft 0) }}`, `{{ add .RetryLeft 1 }}`, `{{ .Target | toJson }}`,
		`{{ dict "target" .Target "left" .RetryLeft | toJson }}`, `{{ .Target.ApiVersion }}`, `{{ .Status.Phase | hasPrefix "Fail" }}`,
		`{{ empty .Target }} {{ kindOf .Target }} {{ kindOf .RetryLeft }}`, `{{ upper .Target }}`, `{{ toString .Status.Phase | title }}`,
		`{{ .Status.Error | toJson | fromJson | quote }}`, `{{ eq (.Status.Error | toJson | fromJson) .Status.Error }}`)

	add("map", "dict", `{{ dict | toJson }}`, `{{ dict "a" 1 "b" (list 1 "x") | toJson }}`, `{{ dict "a" | toJson }}`, `{{ dict 1 2 true 3 | toJson }}`,
		`{{ $d := dict "a" 1 }}{{ $_ := set $d "b" 2 }}{{ toJson $d }}`, `{{ $d := dict "a" 1 "b" 2 }}{{ $_ := unset $d "a" }}{{ toJson $d }}`,
		`{{ $d := dict }}{{ range .list }}{{ $_ := set $d . true }}{{ end }}{{ keys $d | sortAlpha | join "," }}`,
		`{{ set (dict "a" 1) "a" 2 | toJson }}`, `{{ get .object "a" }}`, `[{{ get .object "x" }}]`, `{{ hasKey .object "a" }} {{ hasKey .object "x" }}`,
		`{{ pluck "a" .object (dict "a" 2) (dict "b" 3) | toJson }}`, `{{ keys .object (dict "q" 1) | sortAlpha | toJson }}`, `{{ values (dict "k" "v") | toJson }}`,
		`{{ pick .object "a" "x" | toJson }}`, `{{ omit .object "a" "x" | toJson }}`, `{{ dig "b" "c" "d" "no" .object }}`, `{{ dig "b" "x" "d" "no" .object }}`,
		`{{ dig "a" "b" "no" .object }}`, `{{ dig "a" .object }}`, `{{ get 1 "a" }}`, `{{ get .text "a" }}`, `{{ set .object 1 2 }}`,
		`{{ merge (dict "a" 1 "m" (dict "x" 1)) (dict "a" 2 "b" 3 "m" (dict "x" 2 "y" 3)) | toJson }}`,
		`{{ mergeOverwrite (dict "a" 1 "m" (dict "x" 1)) (dict "a" 2 "b" 3 "m" (dict "x" 2 "y" 3)) | toJson }}`,
		`{{ merge (dict "e" "" "z" 0 "l" (list)) (dict "e" "x" "z" 1 "l" (list 1)) | toJson }}`,
		`{{ mergeOverwrite (dict "e" "x" "z" 1 "l" (list 1)) (dict "e" "" "z" 0 "l" (list)) | toJson }}`,
		`{{ mergeOverwrite (dict "s" "text") (dict "s" (dict "a" 1)) | toJson }}`, `{{ merge (dict "s" (dict "a" 1)) (dict "s" "text") | toJson }}`,
		`{{ mergeOverwrite (dict "s" (dict "a" 1)) (dict "s" "text") | toJson }}`, `{{ merge (dict "a" 1) (dict "n" nil) | toJson }}`,
		`{{ mergeOverwrite (dict "a" 1) (dict "a" .nothing) | toJson }}`, `{{ merge (dict) (dict "a" 1) (dict "a" 2 "b" 2) | toJson }}`,
		`{{ $d := dict "a" 1 }}{{ $_ := merge $d (dict "b" 2) }}{{ toJson $d }}`, `{{ merge }}`, `{{ deepCopy .object | toJson }}`, `{{ .object }}`, `{{ dict "b" 1 "a" "x" }}`)

	add("map", "list", `{{ list 1 "a" nil true | toJson }}`, `{{ list }}`, `{{ list 1 2 }}`, `{{ tuple 1 2 | toJson }}`, `{{ first .list }} {{ last .list }}`,
		`{{ rest .list | toJson }} {{ initial .list | toJson }}`, `[{{ first .none }}]`, `{{ append .list "x" | toJson }}`, `{{ prepend .list "x" | toJson }}`, `{{ push (list 1) 2 }}`,
		`{{ concat .list .numbers (list "z") | toJson }}`, `{{ reverse .numbers | toJson }}`, `{{ uniq .list | toJson }}`, `{{ without .list "apple" "kiwi" | toJson }}`,
		`{{ has "fig" .list }} {{ has "kiwi" .list }} {{ has 1 .nothing }}`, `{{ compact .mixed | toJson }}`, `{{ chunk 3 .list | toJson }}`, `{{ chunk 2 .list }}`, `{{ mustChunk 9 .numbers | toJson }}`,
		`{{ sortAlpha .list | join " " }}`, `{{ sortAlpha (list 10 9 "b" "B") | toJson }}`, `{{ sortAlpha "x" | toJson }}`, `{{ until 5 | toJson }}`, `{{ until -3 }}`, `{{ until 0 }}`,
		`{{ untilStep 3 10 3 }}`, `{{ untilStep 10 3 -3 }}`, `{{ untilStep 3 10 -1 }}`, `{{ untilStep 3 10 0 }}`, `{{ seq 5 }}`, `{{ seq -2 }}`, `{{ seq 2 5 }}`, `{{ seq 5 2 }}`, `{{ seq 0 3 10 }}`, `{{ seq 10 -4 0 }}`, `{{ seq 10 4 0 }}`,
		`[{{ seq }}]`, `[{{ seq 1 2 3 4 }}]`, `{{ seq 1 }}`, `{{ seq 0 }}`, `{{ range $i, $e := until 3 }}{{ $i }}={{ $e }};{{ end }}`, `{{ first "x" }}`, `{{ last 1 }}`, `{{ rest .text }}`, `{{ initial .object }}`, `{{ append "x" 1 }}`,
		`{{ prepend 1 "x" }}`, `{{ concat .list "x" }}`, `{{ reverse "x" }}`, `{{ uniq true }}`, `{{ without "x" 1 }}`, `{{ has 1 "x" }}`, `{{ compact 1.5 }}`, `{{ chunk 2 "x" }}`,
		`{{ mustFirst .numbers }} {{ mustLast .numbers }} {{ mustRest .numbers }} {{ mustInitial .numbers }} {{ mustReverse .numbers }} {{ mustHas 9 .numbers }}`,
		`{{ mustAppend .numbers 4 }} {{ mustPrepend .numbers 0 }} {{ mustUniq .list }} {{ mustWithout .list "fig" }} {{ mustCompact .mixed }} {{ mustPush .none 1 }}`,
		`{{ range list 1 2 3 }}<{{ . }}>{{ end }}`, `{{ list (list 1 2) (dict "a" nil) }}`)

	add("map", "default", `{{ default "d" .empty }}`, `{{ default "d" .text }}`, `{{ default "d" .missing }}`, `{{ default "d" .nothing }}`, `{{ default "d" .zero }} {{ default "d" .no }} {{ default "d" .none }} {{ default "d" .void }}`, `{{ default 7 }}`,
		`{{ .missing | default "x" | upper }}`, `{{ empty .text }} {{ empty .missing }} {{ empty .half }} {{ empty 0.0 }}`, `{{ coalesce .empty .zero .text }}`, `[{{ coalesce .empty .zero }}]`, `{{ coalesce }}`, `{{ all 1 .text }} {{ all 1 .empty }} {{ all }} {{ any .empty 1 }} {{ any .empty }} {{ any }}`,
		`{{ ternary 1 2 .yes }} {{ ternary 1 2 .no }} {{ .yes | ternary "a" "b" }}`, `{{ ternary 1 2 "x" }}`, `{{ fail "it broke: \"x\"" }}`, `{{ fail }}`)

	add("map", "json", `{{ toJson . }}`, `{{ toPrettyJson .object }}`, `{{ toRawJson .markup }} {{ toJson .markup }}`, `{{ toPrettyJson (dict "a" (list) "b" (dict) "c" "<") }}`, `{{ .mixed | toJson }}`, `{{ toJson .large }} {{ toJson .small }} {{ toJson .million }} {{ toJson .half }} {{ toJson 1e20 }} {{ toJson 1.5e300 }} {{ toJson -0.000001 }} {{ toJson 1e-7 }} {{ toJson -2e22 }}`,
		`{{ toJson nil }}`, `{{ toJson .missing }}`, `{{ toJson "a\u2028b\u2029\b\f\n\r\t\x01\x7f" }}`, `{{ toRawJson "a\u2028<>&" }}`, `{{ toJson 'a' }}`, `{{ fromJson .json | toJson }}`, `{{ (fromJson .json).k }}`, `{{ index (fromJson .json).k 1 }}`, `{{ fromJson "nonsense" }}`, `{{ fromJson "3" }}`,
		`{{ mustToJson .list }} {{ mustToRawJson .markup }}`, `{{ mustToPrettyJson .numbers }}`, `{{ mustFromJson "[1]" }}`, `{{ fromJson "1e400" }}`, `{{ fromJson "{\"a\": 1, \"a\": 2}" }}`, `{{ fromJson "\"\\u00e9\\ud83d\\udc4d\"" }}`, `{{ fromJson .zero }}`, `{{ toJson }}`, `{{ toJson 1 2 }}`)

	add("map", "text", `{{ upper .accents }} {{ lower .accents }}`, `{{ title "hello wOrld-of o'neil a_b é" }}`, `{{ untitle "Hello World  ÉTÉ" }}`, `[{{ trim .padded }}]`, `{{ trimAll "$" "$5.00$" }} {{ trimall "xy" "xyaxbyx" }}`, `{{ trimSuffix "d" .text }} {{ trimPrefix "hello " .text }} {{ trimPrefix "x" .text }}`,
		`{{ nospace .padded }}`, `{{ substr 0 5 .text }} {{ substr -1 5 .text }} {{ substr 6 -1 .text }} {{ substr 6 99 .text }}`, `{{ substr 5 2 .text }}`, `{{ substr 20 30 .text }}`, `{{ substr -1 99 "abc" }}`, `{{ trunc 5 .text }} {{ trunc -5 .text }} {{ trunc 99 .text }} {{ trunc 0 .text }} {{ trunc -99 .text }}`,
		`{{ abbrev 8 .text }} {{ abbrev 3 .text }} {{ abbrev 99 .text }} {{ abbrev 4 .text }}`, `{{ abbrevboth 5 10 "1234 5678 9123 4567" }} {{ abbrevboth 2 9 "1234 5678 9123" }} {{ abbrevboth 10 9 "1234 5678 9123" }} {{ abbrevboth 1 6 "1234 5678" }}`, `{{ contains "lo w" .text }} {{ contains "x" .text }} {{ hasPrefix "he" .text }} {{ hasSuffix "ld" .text }}`,
		`{{ replace "l" "L" .text }} {{ replace "" "-" "abé" }} {{ replace "x" "y" .text }}`, `{{ repeat 3 "ab" }}[{{ repeat 0 "x" }}]`, `{{ repeat -1 "x" }}`, `{{ quote .text .markup 1 nil true 2.5 }}`, `{{ quote "a\tb\\\"\x01é👍\u200b" }}`, `{{ squote .text 1 nil "it's" }}`, `{{ quote .list }} {{ squote .object.a }}`,
		`{{ cat .text 1 nil "x" true .half }}`, `[{{ cat }}]`, `{{ indent 2 .lines }}`, `{{ nindent 2 .lines }}`, `{{ indent -1 "x" }}`, `{{ plural "one" "many" 1 }} {{ len .list | plural "one" "many" }}`,
		`{{ snakecase "FirstName" }} {{ snakecase "HTTPServer2xx" }} {{ snakecase "http2xx" }} {{ snakecase "HTTP20xOK" }} {{ snakecase "Bld4Floor3rd" }} {{ snakecase "GO PATH-x" }} {{ snakecase "a.b/C" }} {{ snakecase "Duration2m3s" }}`,
		`{{ kebabcase "FirstName" }} {{ kebabcase "NoHTTPS" }} {{ kebabcase "a1B2c3" }} {{ kebabcase "__x__" }}[{{ kebabcase "" }}] {{ kebabcase "x 9" }} {{ kebabcase "12ab CD" }} {{ kebabcase "AB12cd" }}`, `{{ camelcase "http_server" }} {{ camelcase "_complex__case_" }} {{ camelcase "some words-here" }} {{ camelcase "_" }} {{ camelcase "a" }} {{ camelcase "ABC_DEF" }}[{{ camelcase "" }}] {{ camelcase "x__" }}`,
		`{{ swapcase "This Is a.Test éA" }}`, `{{ wrap 10 "a long sentence with averyverylongword in it" }}`, `{{ wrapWith 5 "|" "Hello World averylong" }}`, `{{ wrap 0 "ab cd" }}`, `{{ wrapWith 4 "" "abcdef gh" }}`, `[{{ wrap 5 "" }}{{ wrap 3 "      x" }}]`, `{{ initials "foo bar  baz" }}`,
		`{{ splitList "," "a,b,,c" | toJson }} {{ splitList "" "aé" | toJson }} {{ splitList "," "" | toJson }}`, `{{ $s := split "$" "foo$bar$baz" }}{{ $s._0 }} {{ $s._2 }}`, `{{ split "," "a,b" | toJson }}`, `{{ $s := splitn "$" 2 "foo$bar$baz" }}{{ $s._1 }}`, `{{ splitn "," 0 "a,b" | toJson }} {{ splitn "," -1 "a,b" | toJson }} {{ splitn "" 2 "abc" | toJson }} {{ splitn "," 1 "a,b" | toJson }}`,
		`{{ join "-" .mixed }} {{ join "-" "x" }} {{ join "-" 5 }}[{{ join "-" nil }}]`, `{{ toString 1.5 }} {{ toString .list }} {{ toString true }} {{ toString nil }}`, `{{ toStrings .mixed | toJson }} {{ toStrings 1 | toJson }}`, `{{ upper 1 }}`, `{{ upper .number }}`, `{{ .missing | upper }}`, `{{ upper .nothing }}`, `{{ upper }}`, `{{ upper "a" "b" }}`, `{{ trunc "x" "y" }}`, `{{ .list | contains "x" }}`,
		`{{ "a" | repeat 2 | upper | quote }}`, `{{ .text | replace "o" "0" | title | trunc 7 }}`)

	add("map", "number", `{{ int "42" }} {{ int "0x1f" }} {{ int "017" }} {{ int "08" }} {{ int "7.00" }} {{ int "7.5" }} {{ int 7.9 }} {{ int true }} {{ int nil }} {{ int .list }} {{ int "1_000" }}`, `{{ int64 .number }} {{ int64 "-5" }} {{ float64 "1.5" }} {{ float64 "x" }} {{ float64 3 }} {{ float64 "1e400" }}`, `{{ atoi "42" }} {{ atoi "x" }} {{ atoi "-7" }} {{ atoi "99999999999999999999" }}`,
		`{{ add 1 2 3 }} {{ add }} {{ add "4" 1.9 }} {{ add1 41 }}`, `{{ sub 5 3 }} {{ mul 2 3 4 }} {{ div 7 2 }} {{ mod 7 3 }} {{ mod -7 3 }} {{ div -7 2 }}`, `{{ div 1 0 }}`, `{{ mod 1 0 }}`, `{{ add 9223372036854775807 1 }} {{ mul 9223372036854775807 2 }}`, `{{ max 1 3 2 }} {{ min 3 1 2 }} {{ biggest 4 9 }} {{ max 1 }}`, `{{ maxf 1 2.5 }} {{ minf 1 2.5 -0.5 }}`,
		`{{ floor 1.7 }} {{ ceil 1.2 }} {{ floor -1.2 }} {{ floor "3.9" }}`, `{{ round 123.555555 3 }} {{ round 1.5 0 }} {{ round 2.4 0 }} {{ round -1.5 0 }} {{ round 123.5 0 0.6 }} {{ round "1.255" 2 }}`, `{{ addf 0.1 0.2 }} {{ addf 1.5 2 "3.25" }} {{ add1f 1.5 }}`, `{{ subf 7.5 2 3 }} {{ subf 1.1 1 }}`, `{{ mulf 1.5 2 2 }} {{ mulf 1.1 3 }}`, `{{ divf 10 2 4 }} {{ divf 1 3 }} {{ divf 2 3 }} {{ divf -1 8 }}`, `{{ divf 1 0 }}`, `{{ addf }} {{ subf 1 }}`,
		`{{ toDecimal "0777" }} {{ toDecimal 777 }} {{ toDecimal "9" }}`, `{{ add 1 .missing }}`, `{{ sub 1 }}`, `{{ round 1.5 }}`, `{{ max }}`, `{{ .million }} {{ .large }} {{ .small }} {{ .number }}`)

	add("map", "regex", `{{ regexMatch "^h.*d$" .text }} {{ regexMatch "x" .text }} {{ regexMatch "(" .text }}`, `{{ regexFind "[a-z]+o" .text }}[{{ regexFind "x" .text }}]`, `{{ regexFindAll "[0-9]" "a1b2c3" -1 }} {{ regexFindAll "[0-9]" "a1b2c3" 2 }} {{ regexFindAll "a*" "baaab" -1 | toJson }}`, `{{ regexReplaceAll "a(x*)b" "-ab-axxb-" "${1}W" }} {{ regexReplaceAll "a(x*)b" "-ab-axxb-" "$1W" }} {{ regexReplaceAll "(?P<n>l+)" .text "<$n$$$x$>" }}`,
		`{{ regexReplaceAllLiteral "a(x*)b" "-ab-axxb-" "${1}" }}`, `{{ regexReplaceAll "x*" "abc" "-" }} {{ regexReplaceAll "b*" "abc" "-" }}`, `{{ regexSplit "z+" "pizza" -1 | toJson }} {{ regexSplit "a" "banana" 2 | toJson }} {{ regexSplit "a" "banana" 0 }} {{ regexSplit "" "abc" -1 | toJson }} {{ regexSplit "x" "" -1 | toJson }} {{ regexSplit "a" "banana" -1 | toJson }}`, `{{ regexQuoteMeta "1.2.3 [a]{b}(c)*+?^$|\\-" }}`,
		`{{ regexMatch "^\\w+$" "é" }} {{ regexMatch "^\\d$" "٣" }} {{ regexMatch "^[[:alpha:]]$" "a" }} {{ regexMatch "a{,2}" "a{,2}" }} {{ regexMatch "^[a&&b]+$" "a&b" }} {{ regexMatch "(?i)HELLO" .text }} {{ regexMatch "^\\pL+$" "éß" }} {{ regexMatch "\\Qa.b\\E" "a.b" }}`, `{{ mustRegexMatch "[a" "x" }}`, `{{ mustRegexFind "b+" "abbc" }} {{ mustRegexFindAll "." "ab" -1 }} {{ mustRegexSplit "," "a,b" -1 }} {{ mustRegexReplaceAll "b" "abc" "x" }} {{ mustRegexReplaceAllLiteral "b" "abc" "$0" }} {{ mustRegexMatch "b" "abc" }}`, `{{ regexFind 1 2 }}`, `{{ regexReplaceAll "(.)(.)" "abcd" "$2$1" }} {{ regexReplaceAll "." "ab" "${0}${0}" }} {{ regexReplaceAll "b" "abc" "${x" }}`,
		`{{ regexReplaceAll "(?m)^" .lines "> " }}`, `{{ regexFindAll "\\b\\w" .text -1 | join "" }}`)

	add("map", "date", `{{ dateInZone "2006-01-02 15:04:05 MST -0700" 1751594767 "Europe/Berlin" }}`, `{{ dateInZone "Mon, 02 Jan 2006 15:04:05 -07:00" 1751594767 "America/New_York" }}`, `{{ date_in_zone "Monday January _2 3:04PM 06 002 __2 pm Z07:00 Z0700 .000 .999" 1735689600 "UTC" }}`, `{{ dateInZone "2006-01-02T15:04:05.000000Z07:00" 0 "Asia/Kolkata" }}`, `{{ dateInZone "3 03 4 5 1 2 Januaryx Janx Jan_2006" 1751594767 "UTC" }}`, `{{ dateInZone "2006" 1751594767 "No/Where" }} {{ dateInZone "MST" 1751594767 "No/Where" }} {{ dateInZone "15:04 MST" 1751594767 "" }}`,
		`{{ htmlDateInZone 1751594767 "Pacific/Auckland" }}`, `{{ $t := toDate "2006-01-02 15:04:05 -0700" "2026-07-04 02:15:07 +0200" }}{{ dateInZone "2006-01-02T15:04:05Z07:00" $t "UTC" }} {{ unixEpoch $t }} {{ toJson $t }}`, `{{ mustToDate "2006-01-02" "2026-02-31" }}`, `{{ mustToDate "2006-01-02" "x" }}`, `{{ mustToDate "Jan 2, 2006 at 3:04pm" "Feb 3, 2013 at 7:54pm" | date "2006-01-02 15:04" }}`, `{{ toDate "2006-01-02" "x" | toJson }}`, `{{ mustToDate "2006-01-02" "2026-01-02 more" }}`,
		`{{ toDate "2006-01-02T15:04:05Z07:00" "2026-07-04T02:15:07.25Z" | dateModify "-1h30m" | toJson }}`, `{{ toDate "2006-01-02" "2026-03-01" | dateModify "-24h" | htmlDate }}`, `{{ toDate "2006-01-02" "2026-03-01" | date_modify "x" | htmlDate }}`, `{{ toDate "2006-01-02" "2026-03-01" | mustDateModify "x" }}`, `{{ duration "95" }} {{ duration "x" }} {{ duration "3661" }} {{ duration (int64 7200) }}`, `{{ durationRound "2h10m5s" }} {{ durationRound "400h" }} {{ durationRound "9000h" }} {{ durationRound "5s" }} {{ durationRound "10ms" }} {{ durationRound "800h" }}`,
		`{{ htmlDate (toDate "2006-01-02" "2026-03-01") }}`, `{{ dateModify "1h" 5 }}`, `{{ unixEpoch "x" }}`, `{{ dateInZone "January 2006, 2nd" -62135596800 "UTC" }}`, `{{ toDate "06/1/_2 15h" "26/7/ 4 9h" | date "2006-01-02 15" }} {{ toDate "2006 002" "2026 185" | htmlDate }} {{ toDate "Monday, 02-Jan-06 15:04:05 MST" "Saturday, 04-Jul-26 02:15:07 UTC" | unixEpoch }}`)

	add("map", "encoding", `{{ b64enc .text }} {{ b64dec "aGVsbG8=" }} {{ b64dec "aGVsbG8" }} {{ b64dec "a*==" }}`, `{{ b32enc .text }} {{ b32dec "NBSWY3DP" }} {{ b32dec "nope" }} {{ b32dec "NBSWY3D" }} {{ b64dec "aG=" }} {{ b64dec "aGk==" }}`, `{{ sha256sum .text }} {{ sha1sum .text }} {{ adler32sum .text }}`, `[{{ b64enc "" }}{{ b32enc "" }}] {{ sha256sum "" }}`, `{{ b64enc 1 }}`, `{{ b64enc "a" }} {{ b64enc "ab" }} {{ b32enc "a" }} {{ b32enc "ab" }} {{ b32enc "abcd" }}`)

	add("map", "path", `{{ base "/a/b.tar.gz" }} {{ dir "/a/b.tar.gz" }} {{ ext "/a/b.tar.gz" }} {{ clean "/a/../b//c/." }} {{ isAbs "/a" }} {{ isAbs "a" }}`, `{{ base "" }} {{ base "/" }} {{ base "a/" }} {{ dir "" }} {{ dir "a" }} {{ dir "/" }} {{ dir "a/b/" }}[{{ ext "a.b/c" }}] {{ ext ".x" }}`, `{{ clean "" }} {{ clean "../../a" }} {{ clean "/.." }} {{ clean "a/.." }} {{ clean "a/../../b" }} {{ clean "./a" }}`, `{{ osBase "/a/b" }} {{ osDir "/a/b" }} {{ osExt "x.y" }} {{ osClean "a//b" }} {{ osIsAbs "/x" }}`)

	add("map", "kind", `{{ typeOf "x" }} {{ typeOf 1 }} {{ typeOf 1.5 }} {{ typeOf true }} {{ typeOf .list }} {{ typeOf .object }} {{ typeOf nil }}`, `{{ kindOf "x" }} {{ kindOf 1 }} {{ kindOf 1.5 }} {{ kindOf true }} {{ kindOf .list }} {{ kindOf .object }} {{ kindOf nil }}`, `{{ kindIs "string" .text }} {{ kindIs "map" .list }} {{ typeIs "int" 1 }} {{ typeIsLike "string" "x" }}`, `{{ deepEqual .list .list }} {{ deepEqual (list 1 2) (list 1 2) }} {{ deepEqual (list 1) (list 2) }} {{ deepEqual "a" "b" }}`)

	add("map", "unknown", `{{ nosuch 1 }}`)
}
