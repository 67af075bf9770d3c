"""What would follow from a value that is refused, in the words after what is accepted."""

NO_BUDGET = ", or the disk budget comes out wrong and images do not fit"
NO_GROUP = ", or EKS refuses the group"
NO_NODE = ", or the kubelet does not start and the node never joins"
NO_NODE_CLASS = ", or Karpenter refuses the pool and makes no node"
NO_VOLUME = ", or EC2 refuses the volume and no node starts"
