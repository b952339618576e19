// bench-documents [replay|follow NAME FILE] ... [shapes]; started by bench.py, which makes the files.
let arguments = Array(CommandLine.arguments.dropFirst())
let replayBars: [String: Double] = ["automerge-paper": 60, "sveltecomponent": 9, "rustcode": 35]

var index = 0
while index < arguments.count {
    switch arguments[index] {
    case "replay":
        Replay.run(arguments[index + 1], Trace(file: arguments[index + 2]), bar: replayBars[arguments[index + 1]])
        index += 3
    case "follow":
        let isKnown = arguments[index + 1] == "friendsforever"
        Following.run(arguments[index + 1], Trace(file: arguments[index + 2]), bar: isKnown ? 4 : nil, wholeBar: isKnown ? 15 : nil)
        index += 3
    case "shapes":
        Shapes.run()
        index += 1
    default:
        Measure.check(false, "unknown argument \(arguments[index])")
    }
}
