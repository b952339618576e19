/// Containers by path, as deltas name them; nil when the path ends at a container of another kind.
extension Document {
    public func text(at path: ContainerPath) -> TextView? { view(at: path, .text).map(TextView.init) }
    public func list(at path: ContainerPath) -> ListView? { view(at: path, .list).map(ListView.init) }
    public func map(at path: ContainerPath) -> MapView? { view(at: path, .map).map(MapView.init) }
    public func counter(at path: ContainerPath) -> CounterView? { view(at: path, .counter).map(CounterView.init) }
    public func set(at path: ContainerPath) -> SetView? { view(at: path, .set).map(SetView.init) }
    public func register(at path: ContainerPath) -> RegisterView? { view(at: path, .register).map(RegisterView.init) }

    private func view(at path: ContainerPath, _ kind: ContainerKind) -> ContainerView? {
        path.steps.last?.kind == kind ? ContainerView(document: self, path: path) : nil
    }
}
