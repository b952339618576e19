// bench-documents FILE RUNS [recorded | COPIES]: one line of JSON with what the trace costs, CPU milliseconds; started by bench.py.
let arguments = Array(CommandLine.arguments.dropFirst())
let trace = Trace(file: arguments[0])
let runs = Int(arguments[1])!
let isRecorded = arguments.last == "recorded"
let measures =
    if let copies = arguments.dropFirst(2).first.flatMap({ Int($0) }) {
        Copies.run(trace, count: copies, runs: runs)
    } else if trace.writers > 1 {
        Concurrent.run(trace, runs: runs, isRecorded: isRecorded)
    } else {
        Sequential.run(trace, runs: runs, isRecorded: isRecorded)
    }
print("{" + measures.map { "\"\($0)\": \($1)" }.joined(separator: ", ") + "}")
