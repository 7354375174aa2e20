import { describe, expect, test } from "vitest";
import { printedOf } from "./testing.ts";

describe("Go's", () => {
	test.each([
		[
			'{{and 1 0 2}} {{and 1 2}} {{or 0 "" "x"}} {{or 0 ""}}| {{not 0}} {{not "a"}} {{not nil}}',
			"0 2 x | true false true",
		],
		["{{or true (index .Config.Env 99)}} {{and false (index .Config.Env 99)}}", "true false"],
		["{{eq 1 1}} {{eq 1 2 3 1}} {{eq 1 2 3}} {{ne 1 2}} {{lt 1 2}} {{le 2 2}}", "true true false true true true"],
		['{{gt "b" "a"}} {{ge 1.5 1.5}} {{lt "a" "B"}} {{gt 1 2}}', "true true false false"],
		["{{eq .Unknown.nothing nil}} {{eq .HostConfig.Binds nil}} {{eq nil 1}} {{ne nil nil}}", "true true false false"],
		['{{len .Config.Env}} {{len .Config.Labels}} {{len "äö"}}', "2 3 4"],
		[
			'{{index .Config.Env 1}} {{index .Config.Labels "b"}} {{index "abc" 1}} {{index .Mounts 0 "RW"}}',
			"B=2 ü 98 true",
		],
		['{{slice "abcdef" 1 3}} {{slice "abcdef" 2}} {{slice "abc"}} {{slice .Config.Env 1}}', "bc cdef abc [B=2]"],
		['{{slice .Config.Env 0 1 1}} {{slice "äö" 2}}', "[A=1] ö"],
		['{{print 1 2 "a" 3 4 "b" "c" true}} {{print 1.5 2 nil true "x"}}', "1 2a3 4bctrue 1.5 2 <nil> truex"],
		['{{println 1 "a"}}{{println}}|{{print}}|', "1 a\n\n||"],
	])("%s", (text, printed) => expect(printedOf(text)).toBe(printed));
});

describe("Docker's", () => {
	test.each([
		['{{join .Config.Env ","}} {{join .HostConfig.Binds ","}}| {{join (split "a:b" ":") "-"}}', "A=1,B=2 | a-b"],
		['{{split "a:b:c" ":"}} {{split "abc" ""}} {{index (split "a:b" ":") 1}}', "[a b c] [a b c] b"],
		['{{lower "ABC"}} {{upper "abc"}} {{title "the quick-brown fox\'s o_o"}}', "abc ABC The Quick-Brown Fox'S O_o"],
		['{{pad "a" 2 3}}|{{pad "" 2 3}}| {{truncate "abcdef" 3}} {{truncate "ab" 5}}', "  a   || abc ab"],
		['{{json "<a>&"}} {{json 5}} {{json 1.5}} {{json nil}} {{json .Unknown.none}}', '"<a>&" 5 1.5 null []'],
	])("%s", (text, printed) => expect(printedOf(text)).toBe(printed));
});

describe("printf", () => {
	test.each([
		['"%5s|%-5s|%05d|%+d|%x|%X|%t|%%" "a" "b" 42 42 255 "hi" true', "    a|b    |00042|+42|ff|6869|true|%"],
		['"%q %q %q" "q\\"\\n" "ü☺\\x00\\u200b" 65', `"q\\"\\n" "ü☺\\x00\\u200b" 'A'`],
		['"%v %s %q" .Config.Env .Config.Env .Config.Env', '[A=1 B=2] [A=1 B=2] ["A=1" "B=2"]'],
		['"%q %x" .Config.Labels .Args', 'map["Links":"a label" "b":"ü" "com.x":"1"] [2d6d 687474702e736572766572]'],
		['"%6.2f|%.0f|%f|%.1f|%07.1f" 3.14159 2.5 1.0 -0.04 2.25', "  3.14|2|1.000000|-0.0|00002.2"],
		['"%.3s|%8.3s|%-8.3s|%.12s" "abcdef" "abcdef" "abcdef" "ab"', "abc|     abc|abc     |ab"],
		['"%c %U %o %b %#x %#o %O" 65 65 8 5 255 8 8', "A U+0041 10 101 0xff 010 0o10"],
		['"%5t|%-7v|%5d|%-5d|%x|% d" true false -42 -42 -255 5', " true|false  |  -42|-42  |-ff| 5"],
		['"%.5d|%8.3d|%08.3d|%08s|%-08d|" 42 42 42 "a" 5', "00042|     042|     042|0000000a|5       |"],
		['"%T %T %T %T %T" 1 "a" true 1.5 nil', "int string bool float64 <nil>"],
		['"%v %s %v" nil nil 1.5', "<nil> %!s(<nil>) 1.5"],
		['"%d %s %z %t" "x" 5 5 "a"', "%!d(string=x) %!s(int=5) %!z(int=5) %!t(string=a)"],
		['"%d"', "%!d(MISSING)"],
		['"a" 1 "b" nil', "a%!(EXTRA int=1, string=b, <nil>)"],
		['"%"', "%!(NOVERB)"],
		['"%9999999d" 1', "%!(BADWIDTH)1"],
		['"%6v|%-6v|" .Args .Args', "[    -m http.server]|[-m     http.server]|"],
	])("%s", (args, printed) => expect(printedOf(`{{printf ${args}}}`)).toBe(printed));
});
