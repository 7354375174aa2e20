/** Names for containers whose maker gave none: an adjective and an animal. */
import { randomInt } from "node:crypto";

const ADJECTIVES = (
	"able agile amber bold brave bright brisk calm candid clever cosy crisp daring deft eager early easy fair fast fine fond free fresh " +
	"gentle glad golden grand happy hardy honest humble jolly keen kind lively loyal lucid lucky merry mild modest neat noble patient " +
	"plucky polite proud quick quiet ready robust rosy royal serene sharp shiny silent simple smart snug sober solid spry steady stout " +
	"sunny swift tidy tranquil trusty upbeat valiant vivid warm wise witty young zesty"
).split(" ");

const ANIMALS = (
	"auk badger bear beaver bison bittern boar buzzard carp cod coot cormorant crab crane crow curlew deer dolphin dove duck eagle eel egret " +
	"elk falcon ferret finch fox gannet goat goose grebe gull hare hawk heron hound ibex ibis jay kestrel kite lark lemur lynx magpie marten " +
	"mink mole moose newt osprey otter owl panda perch pike pipit plover puffin quail rail raven robin salmon seal shark shrew snipe sparrow " +
	"stoat stork swan swift teal tern thrush trout tuna turtle viper vole walrus whale wolf wren yak"
).split(" ");

/** Not taken at the moment: after a few tries with a number behind. */
export function madeUpName(isTaken: (name: string) => boolean): string {
	for (let attempt = 0; ; attempt++) {
		const name = `${pick(ADJECTIVES)}_${pick(ANIMALS)}${attempt < 5 ? "" : randomInt(1_000_000)}`;
		if (!isTaken(name)) return name;
	}
}

function pick(words: readonly string[]): string {
	return words[randomInt(words.length)] ?? "";
}
