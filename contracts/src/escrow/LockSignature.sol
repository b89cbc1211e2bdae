// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// The EIP-712 message by which a depositor lets another send its lock. The domain names the chain, the escrow and the
/// hub, and the deal id and leg hash bind everything else, so one signature can open one lock at most.
library LockSignature {
    bytes32 internal constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract,bytes32 salt)");
    bytes32 internal constant LOCK_TYPEHASH =
        keccak256("Lock(bytes32 dealId,uint8 index,bytes32 legHash,uint256 deadline)");
    bytes32 internal constant NAME_HASH = keccak256("INFRASTRUKT Escrow");
    bytes32 internal constant VERSION_HASH = keccak256("1");

    /// Computed on every use and not cached, so that it follows the chain id through a fork.
    function domainSeparator(bytes32 hubId) internal view returns (bytes32) {
        return keccak256(abi.encode(DOMAIN_TYPEHASH, NAME_HASH, VERSION_HASH, block.chainid, address(this), hubId));
    }

    /// What the depositor signs.
    function digest(bytes32 hubId, bytes32 dealId, uint8 index, bytes32 legHash, uint256 deadline)
        internal
        view
        returns (bytes32)
    {
        bytes32 lockHash = keccak256(abi.encode(LOCK_TYPEHASH, dealId, index, legHash, deadline));
        return keccak256(abi.encodePacked(hex"1901", domainSeparator(hubId), lockHash));
    }
}
