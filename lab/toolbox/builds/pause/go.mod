module kube-federation/builds/pause

go 1.24.0
