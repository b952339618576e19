/// A text merge with its conflicts between marker lines, as people edit them.
///
/// ```
/// <<<<<<< ours
/// our line
/// ||||||| base
/// their common ancestor
/// =======
/// their line
/// >>>>>>> theirs
/// ```
public struct MarkerFormat: Sendable, Hashable {
    /// Names after the markers; none when nil.
    public var oursName: String?
    public var baseName: String?
    public var theirsName: String?
    /// Whether the base stands between the sides, after `|||||||`.
    public var showsBase: Bool
    /// Marker characters a line; more than 7 where the texts may hold markers themselves.
    public var size: Int

    public init(
        oursName: String? = nil, baseName: String? = nil, theirsName: String? = nil, showsBase: Bool = false, size: Int = 7
    ) {
        self.oursName = oursName
        self.baseName = baseName
        self.theirsName = theirsName
        self.showsBase = showsBase
        self.size = max(1, size)
    }

    public func render(_ merge: Merge<UInt8>) -> [UInt8] {
        merge.resolved { render($0) }
    }

    /// One conflict; a side that does not end in a line feed gets one, so that markers stand at the beginning of a line.
    func render(_ conflict: Merge<UInt8>.Conflict) -> [UInt8] {
        var output: [UInt8] = []
        append(marker: "<", oursName, to: &output)
        append(conflict.ours, to: &output)
        if showsBase {
            append(marker: "|", baseName, to: &output)
            append(conflict.base, to: &output)
        }
        append(marker: "=", nil, to: &output)
        append(conflict.theirs, to: &output)
        append(marker: ">", theirsName, to: &output)
        return output
    }

    private func append(marker: Character, _ name: String?, to output: inout [UInt8]) {
        output.append(contentsOf: String(repeating: marker, count: size).utf8)
        if let name { output.append(contentsOf: " \(name)".utf8) }
        output.append(0x0A)
    }

    private func append(_ side: ArraySlice<UInt8>, to output: inout [UInt8]) {
        output.append(contentsOf: side)
        if let last = side.last, last != 0x0A { output.append(0x0A) }
    }
}

extension UnifiedFormat {
    /// What a merge makes of one of its sides, conflicts between markers: the change a person would review.
    public func render(_ merge: Merge<UInt8>, against side: TextLines, markers: MarkerFormat = MarkerFormat(showsBase: true)) -> [UInt8] {
        let merged = TextLines(markers.render(merge))
        return render(side.diff(to: merged), from: side, to: merged)
    }
}

extension HTMLFormat {
    /// A merge as a fragment of HTML: settled text with the origin of each piece as its class, each conflict as a `div` of its three sides.
    ///
    /// Everything from the texts is escaped. Classes are `merge`, `base`, `ours`, `theirs`, `both`, `words`, `conflict`.
    public func render(_ merge: Merge<UInt8>) -> String {
        var html = "<pre class=\"merge\">"
        for piece in merge.pieces {
            switch piece {
            case .settled(let text, let origin):
                html += "<span class=\"\(origin)\">\(HTMLFormat.escaped(text))</span>"
            case .conflict(let conflict):
                html += "<div class=\"conflict\">"
                for (name, side) in [("ours", conflict.ours), ("base", conflict.base), ("theirs", conflict.theirs)] {
                    html += "<div class=\"\(name)\">\(HTMLFormat.escaped(side))</div>"
                }
                html += "</div>"
            }
        }
        return html + "</pre>\n"
    }
}
