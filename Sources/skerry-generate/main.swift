print("skerry-generate")
