import { CreateVolumeRequest, VolumeServiceService } from "#gen/wharf/volume/v1/volume.ts";
import { connect, requestId } from "../requests.ts";
import { command } from "../syntax/command.ts";
import { parsePairs } from "../syntax/pairs.ts";

export default command({
	name: "volume create",
	summary: "Makes a volume and prints its name. One that is there already, just so, is success.",
	operands: "[VOLUME]",
	minOperands: 0,
	maxOperands: 1,
	flags: {
		driver: {
			kind: "text",
			short: "d",
			value: "DRIVER",
			help: "`local`, which it is without this, `sshfs`, or a plugin's name",
		},
		opt: { kind: "list", short: "o", value: "KEY=VALUE", help: "An option of the driver, any number of times" },
		label: { kind: "list", value: "KEY=VALUE", help: "A label" },
	},
	notes: [
		"Options of `local`: type, device and o as mount(8) has them, mounted while somebody uses the volume; or size alone, the most that it can hold. `wharf volume inspect` says what holds it to that.",
		"Options of `sshfs`: device (user@host:/path), port, identity_file, known_hosts, password, and o for more of its own.",
		"Any other driver is a plugin that listens where Docker's do, as /run/docker/plugins/NAME.sock; its options are its own.",
	],
	examples: [
		["wharf volume create -o size=10g data", "at most 10 GiB"],
		[
			"wharf volume create -o type=nfs -o device=:/export -o o=addr=192.0.2.1,rw shared",
			"a directory of an NFS server",
		],
		["wharf volume create -o type=tmpfs -o device=tmpfs -o o=size=64m,uid=1000 scratch", "memory"],
		[
			"wharf volume create -d sshfs -o device=me@host.test:/data -o identity_file=/root/.ssh/id remote",
			"a directory of another host",
		],
	],
	async run({ flags, operands: [name = ""], terminal }) {
		using volumed = connect(terminal.paths, "volumed", VolumeServiceService);
		const { volume } = await volumed.createVolume(
			CreateVolumeRequest.fromPartial({
				requestId: requestId(),
				name,
				driver: flags.driver ?? "",
				options: parsePairs(flags.opt, "The option"),
				labels: parsePairs(flags.label, "The label"),
			}),
		);
		await terminal.out(`${volume?.name ?? ""}\n`);
		return 0;
	},
});
