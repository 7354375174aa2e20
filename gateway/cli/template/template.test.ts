/** Go's template language. What is expected was printed by Docker's client of the same object, but for structs. */
import { describe, expect, test } from "vitest";
import { printedOf, WEB } from "./testing.ts";

describe("documents' own", () => {
	test.each([
		["{{ .Config.Volumes }}", "map[/a:{} /volume1:{}]"],
		["{{ .Volumes }}", "map[/a:{} /volume1:{}]"],
		["{{.State.Pid}}", "4711"],
		["{{.Id}} {{.ID}} {{.Name}}", "c0ffee c0ffee /web"],
		["{{json .State}}", '{"Status":"running","Running":true,"Paused":false,"Pid":4711}'],
		['{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}}', "8080"],
		["{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}", "10.0.0.2 172.18.0.2 "],
		["{{range $p, $conf := .NetworkSettings.Ports}}{{$p}} -> {{(index $conf 0).HostPort}}{{end}}", "80/tcp -> 8080"],
		['{{index .Config.Labels "com.x"}}', "1"],
	])("%s", (text, printed) => expect(printedOf(text)).toBe(printed));

	test("{{json .}} is what inspect prints, in its order, but for maps, which are in their keys'", () => {
		const printed = printedOf("{{json .}}");
		expect(JSON.parse(printed)).toEqual(WEB);
		expect(Object.keys(JSON.parse(printed))).toEqual(Object.keys(WEB));
		expect(printedOf("{{json .Config.Labels}}")).toBe('{"Links":"a label","b":"ü","com.x":"1"}');
	});
});

describe("values as Go prints them", () => {
	test.each([
		["{{.Config.Env}} {{.Unknown.none}}", "[A=1 B=2] []"],
		["{{.Config.Labels}}", "map[Links:a label b:ü com.x:1]"],
		["{{.State}}", "map[Paused:false Pid:4711 Running:true Status:running]"],
		["{{.Unknown}}", "map[empty:{} half:1.5 large:123456789 none:[] nothing:<nil>]"],
		["{{.Unknown.nothing}} {{print .Unknown.nothing}} {{json .Unknown.nothing}}", "<no value> <nil> null"],
		["{{.Unknown.empty}} {{.Unknown.half}} {{.Unknown.large}}", "{} 1.5 123456789"],
		["{{.HostConfig.Binds}} {{len .HostConfig.Binds}} {{json .HostConfig.Binds}}", "[] 0 null"],
		["{{.HostConfig.Dns}} {{.HostConfig.DNS}}", "[192.0.2.53] [192.0.2.53]"],
		["{{true}} {{false}} {{1}} {{-5}} {{+5}} {{'a'}}", "true false 1 -5 5 97"],
		["{{0x1F}} {{0b11}} {{0o17}} {{017}} {{1_000}}", "31 3 15 15 1000"],
		["{{1.5}} {{.5}} {{1e3}} {{0.0001}} {{12345.678}} {{-0.0}}", "1.5 0.5 1000 0.0001 12345.678 -0"],
		["{{1e21}} {{1.5e-7}}", "1000000000000000000000 0.00000015"],
		["{{9223372036854775807}} {{-9223372036854775808}}", "9223372036854775807 -9223372036854775808"],
		['{{"a\\tb\\x41\\u00e4\\U0001F600\\101\\xc3\\xa4"}} {{`raw\\n`}}', "a\tbAä😀Aä raw\\n"],
		['{{"{{"}} {{`}}`}}', "{{ }}"],
	])("%s", (text, printed) => expect(printedOf(text)).toBe(printed));

	test("a container without volumes has an empty map of them, and null in JSON", () => {
		const object = { Config: { Volumes: null, Labels: {} } };
		expect(printedOf("{{.Config.Volumes}} {{.Volumes}} {{.Config.Labels}}", object)).toBe("map[] map[] map[]");
		expect(printedOf("{{json .Config}}", object)).toBe('{"Volumes":null,"Labels":{}}');
	});

	test("maps of maps", () => {
		const object = { Status: { m: { z: "26", k: "ü" }, l: [["x"], [1, 2.5]] } };
		expect(printedOf("{{.Status}}", object)).toBe("map[l:[[x] [1 2.5]] m:map[k:ü z:26]]");
	});
});

describe("maps and structs", () => {
	test.each([
		["{{.Config.Labels.nope}}", "<no value>"],
		['{{index .Config.Labels "nope"}}|', "|"],
		["{{.NetworkSettings.Networks.nope}} {{.NetworkSettings.Networks.nope.IPAddress}}", "<no value> <no value>"],
		['{{index .NetworkSettings.Ports "81/tcp"}}', "<no value>"],
		['{{index .State "Pid"}}', "4711"],
	])("%s", (text, printed) => expect(printedOf(text)).toBe(printed));

	test("what people call a network is no word of Go's", () =>
		expect(() => printedOf("{{.NetworkSettings.Networks.Labels.nope}}")).toThrow("There is no"));
});

describe("text", () => {
	test.each([
		["text only", "text only"],
		["", ""],
		["}}{{.Name}}", "}}/web"],
		["x   {{- .Name -}}   y", "x/weby"],
		["a  {{- /* c */ -}}  b", "ab"],
		["a{{/* c }} */}}b{{- /* a */}} c", "ab c"],
		["a {{-3}} b", "a -3 b"],
		["a {{- 3}} b", "a3 b"],
		["{{\t.Name\n}}", "/web"],
		["{{`a\nb`}}", "a\nb"],
		["{{if true -}}  a  {{- else -}} b {{- end}}|", "a|"],
	])("%j", (text, printed) => expect(printedOf(text)).toBe(printed));
});

describe("blocks", () => {
	test.each([
		["{{if .State.Running}}up{{else}}down{{end}}", "up"],
		["{{if .State.Paused}}p{{else if eq .State.Pid 4711}}pid{{else}}n{{end}}", "pid"],
		["{{if false}}{{else if false}}{{else if true}}3{{end}}", "3"],
		[
			"{{if .Config.Domainname}}a{{end}}{{if .HostConfig.Binds}}b{{end}}{{if 0}}c{{end}}{{if .Unknown.nothing}}d{{end}}",
			"",
		],
		["{{if .State}}a{{end}}{{if .Config.Labels}}b{{end}}{{if .Unknown.empty}}c{{end}}", "abc"],
		["{{with .State}}{{.Status}} {{$.Name}}{{end}}", "running /web"],
		["{{with .Config.Domainname}}x{{else}}empty {{.Name}}{{end}}", "empty /web"],
		["{{with .Config.Domainname}}x{{else with .Name}}{{.}}{{end}}", "/web"],
		["{{range .Args}}<{{.}}>{{end}}", "<-m><http.server>"],
		["{{range $i, $e := .Config.Env}}{{if $i}}, {{end}}{{$i}}={{$e}}{{end}}", "0=A=1, 1=B=2"],
		["{{range $e := .Args}}{{$e}};{{end}}", "-m;http.server;"],
		["{{range .HostConfig.Binds}}x{{else}}none of {{.Name}}{{end}}", "none of /web"],
		["{{range .Unknown.nothing}}x{{else}}none{{end}}", "none"],
		["{{range $k, $v := .Config.Volumes}}{{$k}} {{$v}};{{end}}", "/a {};/volume1 {};"],
		['{{range .Config.Env}}{{if eq . "B=2"}}{{.}}{{end}}{{end}}', "B=2"],
	])("%s", (text, printed) => expect(printedOf(text)).toBe(printed));
});

describe("variables", () => {
	test.each([
		['{{$x := .Name}}{{$x}} {{$x = "b"}}{{$x}}', "/web b"],
		["{{$x := 1}}{{if true}}{{$x := 2}}{{$x}}{{end}}{{$x}}", "21"],
		["{{$x := 1}}{{if true}}{{$x = 2}}{{$x}}{{end}}{{$x}}", "22"],
		["{{$x := 1}}{{range .Args}}{{$x = .}}{{end}}{{$x}}", "http.server"],
		["{{if $x := .Name}}{{$x}}{{end}}", "/web"],
		["{{with $x := .Config.Domainname}}{{else}}{{$x}}|{{end}}", "|"],
		["{{$c := .State}}{{$c.Status}} {{$.Name}} {{$x:=1}}{{$x}}", "running /web 1"],
		["{{range $i,$e:=.Args}}{{$i}}{{$e}}{{end}}", "0-m1http.server"],
		["{{$x := 1}}{{range $x = .Args}}{{end}}{{$x}}", "http.server"],
	])("%s", (text, printed) => expect(printedOf(text)).toBe(printed));
});

describe("pipelines", () => {
	test.each([
		['{{.Name | upper | printf "%s-%s" "x"}}', "x-/WEB"],
		["{{.Name|len}} {{len (.Name)}} {{(.State).Status}} {{(index .Mounts 0).Name}}", "4 4 running data"],
		["{{ eq (len .Args) 2 | not }}", "false"],
		['{{ printf "%s" (print "a" (len "bc")) }}', "a2"],
		['{{with $y := index .Config.Env 0}}{{$y | printf "%q"}}{{end}}', '"A=1"'],
	])("%s", (text, printed) => expect(printedOf(text)).toBe(printed));
});
